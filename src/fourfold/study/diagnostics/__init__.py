"""Diagnostics: pictures and tables of models beside their scores, and leaks in data, a file each.

Nothing here decides on a verdict or a choice.
"""
