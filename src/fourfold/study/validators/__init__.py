"""Validators: criteria of model selection on a target without labels, one a file."""
