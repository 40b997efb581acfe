"""Tasks on the very same rows, put together so that no row is computed twice in a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch

from fourfold.estimators.problem import Data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from fourfold.data.rows import Rows
    from fourfold.estimators.problem import Job

__all__ = ["Group", "grouped"]


@final
@dataclass(frozen=True)
class Group:
    """Tasks on the same rows.

    Attributes
    ----------
    names
        Of the tasks.
    data
        The rows that have a label in any of them; y (n, columns) holds the labels of one task
        after those of another, as numbers, each with its task's own mark where one is missing.
    like
        Task's labels, as it encodes them; what columns are turned back into.
    """

    names: tuple[str, ...]
    data: Data
    like: tuple[Tensor, ...]

    @classmethod
    def of(cls, jobs: Mapping[str, Job]) -> Group:
        """Put tasks together whose rows are the same."""
        like = tuple(job.target.y for job in jobs.values())
        y = torch.cat([labels.reshape(len(labels), -1).float() for labels in like], dim=1)
        labelled = np.any([job.target.labelled for job in jobs.values()], axis=0)
        rows = next(iter(jobs.values())).target.rows
        return cls(tuple(jobs), Data(rows, y, labelled).known(), like)

    def labels(self, y: Tensor) -> list[Tensor]:
        """Take a batch's columns (B, columns) apart: each task's labels, as it encodes them."""
        widths = [labels[:1].numel() for labels in self.like]
        parts = zip(torch.split(y, widths, dim=1), self.like, strict=True)
        return [part.reshape(-1, *like.shape[1:]).to(like.dtype) for part, like in parts]

    def hold_out(self, share: float) -> tuple[Group, Group]:
        """Split the rows into those to train on and a share, at least one, to validate on.

        A single row is both.
        """
        n = len(self.data.y)
        held = max(1, round(share * n)) if n > 1 else 0
        order = torch.randperm(n).numpy()
        train = Group(self.names, self.data.at(order[held:]), self.like)
        return train, Group(self.names, self.data.at(order[:held]), self.like) if held else train


def grouped(jobs: Mapping[str, Job]) -> list[Group]:
    """Put together those tasks whose rows are the same, in the order of the first of each."""
    groups: list[dict[str, Job]] = []
    for name, job in jobs.items():
        for group in groups:
            if _same(next(iter(group.values())).target.rows, job.target.rows):
                group[name] = job
                break
        else:
            groups.append({name: job})
    return [Group.of(group) for group in groups]


def _same(a: Rows, b: Rows) -> bool:
    """Tell whether rows are equal, by content; only such as may be are read for it."""
    return a is b or (a.n == b.n and a.shape == b.shape and a.digest == b.digest)
