"""Zero-shot recognition: signatures of classes, posteriors over attributes, and their scores.

Algorithms that know descriptions of classes belong here; methods and their training do not.
"""
