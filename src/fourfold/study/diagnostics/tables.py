"""Tables of true classes: against predicted ones, and against clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fourfold.core.findings import Facts, HeatMap
from fourfold.study.scores import SCORES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.core.findings import Finding
    from fourfold.data.domain import Domain
    from fourfold.study.question import Question
    from fourfold.study.running.outcomes import Outcome

__all__ = ["cluster_contents", "confusion_counts"]

MOST_CLASSES: Final = 1000
"""Classes of a confusion."""
MOST_SHARES: Final = 40
"""Classes or clusters in a heat map."""


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
    if k > MOST_CLASSES:
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


def cluster_contents(evaluate: Domain, outcomes: Sequence[Outcome]) -> list[Finding]:
    """Compare clusters to classes: scores over all seeds, and shares of classes on the first."""
    answers = [(o.task, o.judged(evaluate)) for o in outcomes]
    nmi, entropy = (
        np.mean([SCORES[name](task, evaluate.known, answer) for task, answer in answers])
        for name in ("nmi", "entropy")
    )
    facts = Facts(
        "Clusters beside the true classes",
        {
            "normalized mutual information, 1 is the best": f"{nmi:.3f}",
            "entropy of the classes in a cluster, 0 is the best": f"{0.0 - entropy:.3f} bits",
        },
    )
    classes, clusters = np.unique(evaluate.known), range(outcomes[0].task.n_outputs)
    if max(len(classes), len(clusters)) > MOST_SHARES:
        return [facts]
    found = outcomes[0].predictions("evaluate")[evaluate.labelled]
    counts = np.array(
        [np.bincount(found[evaluate.known == name], minlength=len(clusters)) for name in classes]
    )
    shares = counts / counts.sum(axis=1, keepdims=True)
    heat = HeatMap(
        title="In which clusters the rows of each class lie, on the first seed",
        across="cluster",
        down="true class",
        columns=[str(i) for i in clusters],
        rows=[str(name) for name in classes],
        values=shares.tolist(),
    )
    return [facts, heat]
