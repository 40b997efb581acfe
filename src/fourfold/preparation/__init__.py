"""Preparations: preprocessing of rows, by a transform that is the same for every domain.

What turns raw rows into rows of numbers belongs here; layers that are trained do not.
"""
