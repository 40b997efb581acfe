"""Metrics: the form of a score, and those that are asked for by name."""
