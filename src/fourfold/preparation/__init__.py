"""Preparations: preprocessing of rows, fitted without labels on all domains.

What turns raw rows into rows of numbers belongs here; layers that learn from labels do not.
"""
