"""Groups of tasks on the very same rows, so that no row is computed twice in a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch

from fourfold.estimators.inputs import Data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from fourfold.data.rows import Rows
    from fourfold.estimators.problem import Problem

__all__ = ["TaskGroup", "group_tasks"]


@final
@dataclass(frozen=True)
class TaskGroup:
    """Tasks on the same rows.

    Attributes
    ----------
    names
        Of the tasks.
    data
        The rows that have a label in any of them; y (n, columns) holds the labels of one task
        after those of another, as numbers, each with its task's own mark where one is missing.
    like
        Each task's labels, as it encodes them; columns are turned back into their type and shape.
    """

    names: tuple[str, ...]
    data: Data
    like: tuple[Tensor, ...]

    @classmethod
    def of(cls, problems: Mapping[str, Problem]) -> TaskGroup:
        """Group tasks with the same rows."""
        like = tuple(problem.target.y for problem in problems.values())
        y = torch.cat([labels.reshape(len(labels), -1).float() for labels in like], dim=1)
        labelled = np.any([problem.target.labelled for problem in problems.values()], axis=0)
        rows = next(iter(problems.values())).target.rows
        return cls(tuple(problems), Data(rows, y, labelled).known(), like)

    def labels(self, y: Tensor) -> list[Tensor]:
        """Split a batch's columns (B, columns) into each task's encoded labels."""
        widths = [labels[:1].numel() for labels in self.like]
        parts = zip(torch.split(y, widths, dim=1), self.like, strict=True)
        return [part.reshape(-1, *like.shape[1:]).to(like.dtype) for part, like in parts]


def group_tasks(problems: Mapping[str, Problem]) -> list[TaskGroup]:
    """Group tasks with the same rows, in the order of the first of each."""
    groups: list[dict[str, Problem]] = []
    for name, problem in problems.items():
        for group in groups:
            if _same(next(iter(group.values())).target.rows, problem.target.rows):
                group[name] = problem
                break
        else:
            groups.append({name: problem})
    return [TaskGroup.of(group) for group in groups]


def _same(a: Rows, b: Rows) -> bool:
    """Return whether rows are equal, by content; only rows of one number and shape are read."""
    return a is b or (a.n == b.n and a.shape == b.shape and a.digest == b.digest)
