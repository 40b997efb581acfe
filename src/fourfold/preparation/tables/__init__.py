"""Tables as numbers: the kinds of their columns, and preparations for lines and for trees.

What reads, encodes or scales columns belongs here; files are read by the readers.
"""
