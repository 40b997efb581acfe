"""Frozen functions: computed once by inference engines, and stored.

What goes in runs or keeps networks that never train; it knows no task and no method.
"""
