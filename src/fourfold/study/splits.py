"""Splits of the target's labels: which are hidden from a fit, to rate it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from fourfold.core.tasks import Classification

if TYPE_CHECKING:
    from fourfold.core.tasks import Task
    from fourfold.domain import Domain
    from fourfold.rows import Index

__all__ = ["folds_for", "split"]


def folds_for(task: Task, target: Domain, most: int) -> int:
    """Tell in how many folds the labels can be split; 0 if some class has one label only."""
    if isinstance(task, Classification):
        fewest = min(target.counts.values(), default=0)
    else:
        fewest = target.n_labelled // 2
    return min(most, fewest) if fewest >= 2 else 0


def split(task: Task, target: Domain, folds: int, seed: int) -> list[Index]:
    """Split the labelled rows into folds, classes in proportion: the positions of each fold."""
    where = np.flatnonzero(target.labelled)
    if isinstance(task, Classification):
        cutter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        parts = cutter.split(where, target.known)
    else:
        parts = KFold(folds, shuffle=True, random_state=seed).split(where)
    return [where[held] for _, held in parts]
