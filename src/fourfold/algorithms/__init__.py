"""Numerics that know no Domain and no estimator."""
