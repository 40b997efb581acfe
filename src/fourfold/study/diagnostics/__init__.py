"""Diagnostics: pictures and tables of models beside their scores, a file each.

They are computed from outcomes after all fits; nothing here decides on a verdict or a choice.
"""
