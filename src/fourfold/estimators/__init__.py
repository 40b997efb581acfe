"""Contracts of estimators, and the machinery that every method stands on.

Here belongs what leads from domains to a :class:`~fourfold.estimators.problem.Problem`, from a
:class:`~fourfold.estimators.problem.Fitted` to predictions and files, and what methods of several
cells share; a method itself lives in its cell.
"""
