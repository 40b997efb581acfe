"""Splits of the target's labels: which are hidden from a fit, to rate it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fourfold.core.folds import count_folds, make_folds
from fourfold.core.tasks import Classification

if TYPE_CHECKING:
    from fourfold.core.tasks import Task
    from fourfold.domain import Domain
    from fourfold.rows import Index

__all__ = ["folds_for", "split"]


def folds_for(task: Task, target: Domain, most: int) -> int:
    """Tell in how many folds the labels can be split; 0 if some class has one label only."""
    if not target.n_labelled:
        return 0
    return count_folds(target.known, most, classes=isinstance(task, Classification))


def split(task: Task, target: Domain, folds: int, seed: int) -> list[Index]:
    """Split the labelled rows into folds, classes in proportion: the positions of each fold."""
    where = np.flatnonzero(target.labelled)
    parts = make_folds(target.known, folds, seed, classes=isinstance(task, Classification))
    return [where[held] for held in parts]
