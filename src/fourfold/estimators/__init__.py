"""Contracts of estimators, and the engine of those that train a network."""
