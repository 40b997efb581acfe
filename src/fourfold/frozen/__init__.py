"""Functions that never train: computed once, by inference engines, and stored."""
