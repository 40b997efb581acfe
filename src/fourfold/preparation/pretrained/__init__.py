"""Preparations of pretrained networks: their own pictures' sizes, tokens and waves.

A preparation here is read from a network's files, and carries all that it needs into a saved model.
"""
