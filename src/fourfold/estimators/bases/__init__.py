"""Bases: the models that methods without a network wrap, lines and boosted trees.

What fits an additive model to the rows of a problem belongs here; its numerics are in
``algorithms/additive``, and what is transferred is the methods' own.
"""
