"""Additive models: an intercept, a line and boosted trees, fitted to scores that are there already.

Numerics alone: arrays in, arrays out; what knows a domain or an estimator stays above.
"""
