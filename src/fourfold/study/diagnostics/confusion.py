"""Confusion counts: true against predicted classes of the shipped method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.study.outcomes import Outcome
    from fourfold.study.question import Question

__all__ = ["confusion_counts"]

MOST: Final = 1000
"""Classes of a table."""


def confusion_counts(
    question: Question, outcomes: Sequence[Outcome]
) -> tuple[list[str], list[list[int]]]:
    """Count true × predicted classes over all rows behind the scores of a method.

    There are K names and (K, K) counts; none without classes or labels.
    """
    classes = question.protocol.task.has_classes
    pairs = [pair for outcome in outcomes if classes for pair in _pairs(question, outcome)]
    if not pairs:
        return [], []
    both = [np.concatenate(side) for side in zip(*pairs, strict=True)]
    names, codes = np.unique(both, return_inverse=True)
    k = len(names)
    if k > MOST:
        return [], []
    true, guess = codes.reshape(2, -1)
    counts = np.bincount(k * true + guess, minlength=k * k).reshape(k, k)
    return [str(name) for name in names], counts.tolist()


def _pairs(question: Question, outcome: Outcome) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return true and predicted classes of the rows behind an outcome's score."""
    evaluate = question.evaluate
    if evaluate is not None and outcome.split is None:
        return _alike(evaluate.known, outcome.predictions("evaluate")[evaluate.labelled])
    if evaluate is None and outcome.split is not None:
        true = question.protocol.splits.truth(outcome.held)
        return _alike(true, outcome.predictions("held"))
    return []


def _alike(true: NDArray[Any], guess: NDArray[Any]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return both as names or as numbers; nothing without labels."""
    if not len(true):
        return []
    if true.dtype.kind in "OU" or guess.dtype.kind == "U":
        return [(true.astype(str), guess.astype(str))]
    return [(true.astype(guess.dtype), guess)]
