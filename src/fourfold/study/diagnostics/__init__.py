"""Diagnostics: what a result shows of models beside their scores, one file a picture or table.

They are computed from outcomes after all fits; nothing here decides on a verdict or a choice.
"""
