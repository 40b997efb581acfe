"""Numerics of clustering: k-means, spectral coordinates, and co-clustering of count tables.

What goes in works on arrays and sparse matrices, and knows no Domain and no estimator.
"""
