"""Numerical algorithms: linear maps, sparse coding, clustering, indexes, Fisher information.

They work on arrays, tensors and rows, and know neither domains nor estimators of transfer.
"""
