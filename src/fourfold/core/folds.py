"""Folds of labelled rows, stratified in proportion: how many are possible, and which rows they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["count_folds", "make_folds"]


def count_folds(y: NDArray[Any], most: int, *, stratified: bool) -> int:
    """Tell in how many folds labels can be split; 0 if a class has one label only.

    Parameters
    ----------
    y
        (n,) or (n, m) labels, all there.
    most
        Folds, at most.
    stratified
        Whether they are stratified, each of which every fold must hold.
    """
    fewest = min(np.unique(y, return_counts=True)[1], default=0) if stratified else len(y) // 2
    return int(min(most, fewest)) if fewest >= 2 else 0


def make_folds(
    y: NDArray[Any], folds: int, seed: int, *, stratified: bool
) -> list[NDArray[np.intp]]:
    """Split labelled rows: the positions of each fold's."""
    kind = StratifiedKFold if stratified else KFold
    cutter = kind(folds, shuffle=True, random_state=seed)
    return [held for _, held in cutter.split(np.zeros(len(y)), y if stratified else None)]
