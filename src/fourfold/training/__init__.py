"""Training of networks: one loop with its recipe, runtime, batches, checkpoints and losses.

What goes in is used by several methods and knows no task, no domain and no method.
"""
