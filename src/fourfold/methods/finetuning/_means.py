"""Means of classes in a feature space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from fourfold.estimators.problem import Labelled
from fourfold.estimators.supervised import teacher_outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from fourfold.data.rows import Rows
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.problem import Problem

__all__ = ["class_means"]

MEAN_ROWS: Final = 1000
"""Rows of the source that the mean of one class is taken over."""


def class_means(
    body: nn.Module, problem: Problem, features_of: Callable[[Tensor], Tensor]
) -> Tensor:
    """Average the features of each class, (k, d), over the target's labelled rows.

    A class without any is averaged over the source's rows. ``features_of`` changes the outputs of
    the body, (n, d), before.
    """
    known = problem.target.known()
    features = features_of(teacher_outputs(body, known.rows))  # (n, d)
    means = []
    for c in range(problem.task.n_outputs):
        if (known.y == c).any() or not isinstance(problem.source, Labelled):
            means.append(features[known.y == c].mean(0))
        else:
            means.append(features_of(teacher_outputs(body, _rows(problem.source.data, c))).mean(0))
    return torch.stack(means)


def _rows(data: Data, c: int) -> Rows:
    """Return at most so many rows of a class."""
    return data.rows.subset(torch.nonzero(data.y == c)[:MEAN_ROWS, 0].numpy())
