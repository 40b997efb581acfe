"""Baselines that several cells share: no transfer, or the source model as it is."""
