"""Rows of the source that teach the target's own outputs, and folds of the target's labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fourfold.core.folds import count_folds, make_splits
from fourfold.core.tasks import Classification
from fourfold.estimators.problem import Labelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.estimators.inputs import Data
    from fourfold.estimators.problem import Problem

__all__ = ["folds_of_labels", "source_rows_of_target"]


def source_rows_of_target(problem: Problem) -> Data | None:
    """Return the source's labelled rows of outputs that the target has, too; None without any."""
    if not isinstance(problem.source, Labelled):
        return None
    data, own, task = problem.source.data.known(), problem.source.task, problem.task
    if not isinstance(own, Classification) or not isinstance(task, Classification):
        return data if own.state() == task.state() else None
    codes = task.codes(own.classes_)[data.y.numpy()]
    shared = np.flatnonzero(codes >= 0)
    if not len(shared):
        return None
    return replace(data.at(shared), y=torch.from_numpy(codes[shared]))


def folds_of_labels(
    problem: Problem, data: Data, most: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Divide labelled rows into at most so many folds; none where too few are there."""
    how: dict[str, Any] = {"groups": data.groups, "time": data.time}
    y, stratified = data.y.numpy(), problem.task.stratified
    count = count_folds(y, most, stratified=stratified, **how)
    return make_splits(y, count, problem.seed, stratified=stratified, **how) if count else []
