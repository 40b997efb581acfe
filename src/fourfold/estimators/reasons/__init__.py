"""Reasons: contributions of the columns of a row to a model's score."""
