"""The running of a study: fits in processes, and all that they leave in its folder.

A run is one fit under a key of everything that it depends on; its outcome is a file, written once.
Workers never see evaluation labels.
"""
