"""Folds of labelled rows: their number and their positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from fourfold.core.dependent_folds import count_dependent_folds, dependent_splits

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["count_folds", "divisible", "make_folds", "make_splits"]


def count_folds(
    y: NDArray[Any],
    most: int,
    *,
    stratified: bool,
    groups: NDArray[np.intp] | None = None,
    time: NDArray[np.float64] | None = None,
) -> int:
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
    groups
        (n,) group of each row, which no fold divides; a class of one group is always learnt from.
    time
        (n,) moment of each row: what is held out comes after what is learnt.
    """
    if groups is not None or time is not None:
        return count_dependent_folds(y, most, stratified=stratified, groups=groups, time=time)
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
    y: NDArray[Any],
    folds: int,
    seed: int,
    *,
    stratified: bool,
    groups: NDArray[np.intp] | None = None,
    time: NDArray[np.float64] | None = None,
) -> list[NDArray[np.intp]]:
    """Return the positions of the held-out rows of each fold."""
    splits = make_splits(y, folds, seed, stratified=stratified, groups=groups, time=time)
    return [held_out for _, held_out in splits]


def make_splits(
    y: NDArray[Any],
    folds: int,
    seed: int,
    *,
    stratified: bool,
    max_rows: int | None = None,
    groups: NDArray[np.intp] | None = None,
    time: NDArray[np.float64] | None = None,
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
    groups, time
        As in :func:`count_folds`. With time, rows after the held-out ones are not learnt from.
    """
    if groups is not None or time is not None:
        return dependent_splits(
            y, folds, seed, stratified=stratified, max_rows=max_rows, groups=groups, time=time
        )
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
