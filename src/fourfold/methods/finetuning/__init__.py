"""Labelled source (or a trained network), few target labels: start from what the source taught."""
