"""Inference of columns and labels from the cells of all piles, and remarks on doubts.

What a schema holds belongs to the folder above.
"""
