"""Folds of labelled rows: their number and their positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["count_folds", "make_folds"]


def count_folds(y: NDArray[Any], most: int, *, stratified: bool) -> int:
    """Return the number of possible folds; 0 if a class has one label only.

    Parameters
    ----------
    y
        (n,) or (n, m) labels, none of them missing.
    most
        Largest number of folds.
    stratified
        Whether each fold must hold every class.
    """
    fewest = min(np.unique(y, return_counts=True)[1], default=0) if stratified else len(y) // 2
    return int(min(most, fewest)) if fewest >= 2 else 0


def make_folds(
    y: NDArray[Any], folds: int, seed: int, *, stratified: bool
) -> list[NDArray[np.intp]]:
    """Return the positions of the held-out rows of each fold.

    Parameters
    ----------
    y
        (n,) or (n, m) labels, none of them missing.
    folds
        Number of folds, at most as many as :func:`count_folds` allows.
    seed
        Seed of the order of the rows.
    stratified
        Whether the folds keep the proportions of the labels.
    """
    splitter = (StratifiedKFold if stratified else KFold)(folds, shuffle=True, random_state=seed)
    splits = splitter.split(np.zeros(len(y)), y if stratified else None)
    return [held_out for _, held_out in splits]
