"""Training of networks: one loop, its recipe, batches, checkpoints, norms and losses."""
