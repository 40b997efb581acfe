"""The base of every method: parameters, tasks, findings, folds, process settings, whole files.

What goes in is used by several rooms above and knows no network, no training and no method.
"""
