"""Augmenting: random changes of rows in training, by rules that keep labels.

What is changed is said by a recipe's Augmentation; how often and when is the training loop's.
"""
