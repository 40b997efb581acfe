"""Folds of labelled rows: their number and their positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["count_folds", "divisible", "make_folds", "make_splits"]


def count_folds(y: NDArray[Any], most: int, *, stratified: bool) -> int:
    """Return the number of possible folds; 0 if fewer than two classes have two labels.

    A class with a single label is always learnt from, and limits nothing.

    Parameters
    ----------
    y
        (n,) or (n, m) labels, none of them missing.
    most
        Largest number of folds.
    stratified
        Whether each fold must hold every class that has two labels or more.
    """
    fewest = len(y) // 2
    if stratified:
        counts = np.unique(y[divisible(y)], return_counts=True)[1]
        fewest = min(counts) if len(counts) > 1 else 0
    return int(min(most, fewest)) if fewest >= 2 else 0


def divisible(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether each row's class, (n,), has two labels or more: a single one stays whole."""
    _, inverse, counts = np.unique(y, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] > 1, bool)


def make_folds(
    y: NDArray[Any], folds: int, seed: int, *, stratified: bool
) -> list[NDArray[np.intp]]:
    """Return the positions of the held-out rows of each fold."""
    return [held_out for _, held_out in make_splits(y, folds, seed, stratified=stratified)]


def make_splits(
    y: NDArray[Any], folds: int, seed: int, *, stratified: bool, max_rows: int | None = None
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return the positions of the training rows and of the held-out rows of each fold.

    Parameters
    ----------
    y
        (n,) or (n, m) labels, none of them missing.
    folds
        Number of folds, at most as many as :func:`count_folds` allows.
    seed
        Seed of the drawn rows and of their order.
    stratified
        Whether the folds keep the proportions of the labels. A class with a single label is in
        the training rows of each fold.
    max_rows
        Number of rows drawn for all folds together; all rows by default. All are used also where
        a fold of the drawn ones would lack a class.
    """
    apart = divisible(y) if stratified else np.ones(len(y), bool)
    rows, rare = np.flatnonzero(apart), np.flatnonzero(~apart)
    if max_rows is not None:
        drawn = rows[np.random.default_rng(seed).permutation(len(rows))[:max_rows]]
        rows = drawn if not stratified or _holds_all(y[drawn], y[rows], folds) else rows
    splitter = (StratifiedKFold if stratified else KFold)(folds, shuffle=True, random_state=seed)
    splits = splitter.split(np.zeros(len(rows)), y[rows] if stratified else None)
    return [(np.r_[rows[training], rare], rows[held_out]) for training, held_out in splits]


def _holds_all(drawn: NDArray[Any], y: NDArray[Any], folds: int) -> bool:
    """Return whether drawn labels have each class of y at least once a fold."""
    classes, counts = np.unique(drawn, return_counts=True)
    return len(classes) == len(np.unique(y)) and min(counts) >= folds
