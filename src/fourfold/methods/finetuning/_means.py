"""Means of classes in a feature space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from fourfold.estimators.problem import Labelled
from fourfold.estimators.supervised import teacher_outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from fourfold.estimators.inputs import Data
    from fourfold.estimators.problem import Problem

__all__ = ["class_means"]

MEAN_ROWS: Final = 1000
"""Rows of the source that the mean of one class is taken over."""


def class_means(
    body: nn.Module, problem: Problem, features_of: Callable[[Tensor], Tensor]
) -> Tensor:
    """Average the features of each class, (k, d), over the target's labelled rows, by weights.

    A class without any is averaged over the source's rows. ``features_of`` changes the outputs of
    the body, (n, d), before.
    """
    known = problem.target.known()
    features = features_of(teacher_outputs(body, known.rows))  # (n, d)
    weights = torch.from_numpy(known.row_weights)
    means = []
    for c in range(problem.task.n_outputs):
        own = known.y == c
        if own.any() or not isinstance(problem.source, Labelled):
            means.append(_mean(features[own], weights[own]))
        else:
            few = _of_class(problem.source.data, c)
            theirs = features_of(teacher_outputs(body, few.rows))
            means.append(_mean(theirs, torch.from_numpy(few.row_weights)))
    return torch.stack(means)


def _mean(features: Tensor, weights: Tensor) -> Tensor:
    return weights @ features / weights.sum()


def _of_class(data: Data, c: int) -> Data:
    """Return at most so many rows of a class."""
    return data.at(torch.nonzero(data.y == c)[:MEAN_ROWS, 0].numpy())
