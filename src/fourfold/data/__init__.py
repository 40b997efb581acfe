"""Data as users bring them: rows of inputs, labels, domains, and descriptions of classes.

What goes in reads and checks user data with NumPy alone; files are read by ``readers``.
"""
