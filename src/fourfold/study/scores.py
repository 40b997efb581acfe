"""Scores on labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np
from sklearn.metrics import adjusted_rand_score

from fourfold.algorithms.clustering.counts import cluster_entropy
from fourfold.core.tasks import Attributes, Classification, Clustering, Regression, Transcription
from fourfold.errors import ParameterError
from fourfold.study.metrics.auc import Auc
from fourfold.study.metrics.base import RaterScore, Score, mean_rater
from fourfold.study.metrics.f1 import F1
from fourfold.study.metrics.losses import Brier, LogLoss, MeanAbsoluteError
from fourfold.study.metrics.r2 import R2
from fourfold.study.metrics.transcripts import ErrorRate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.study.metrics.base import Floats, Rater, Weights

__all__ = [
    "SCORES",
    "ClassScore",
    "HarmonicMean",
    "Score",
    "Stability",
    "choose_score",
    "rows_right",
]

MINORITY: Final = 0.2
"""Share of the rarer of two classes below which they are rated by AUC."""


class ClassScore(RaterScore, ABC):
    """A score made of each class's share of right rows."""

    def rater(self, task: Task, y: NDArray[Any], outputs: Any) -> Rater:
        if not isinstance(task, Classification):
            raise ParameterError(f"{self.name} needs classes; got a {type(task).__name__}")
        classes, codes = np.unique(y, return_inverse=True)
        side, member = self.side(classes), (codes[:, None] == np.arange(len(classes))).astype(float)
        right = member * rows_right(task, y, outputs)[:, None]

        def rate(weights: Floats) -> Floats:
            counts = weights.T @ member  # (b, k)
            rates = (weights.T @ right) / np.where(counts > 0, counts, 1.0)
            rates[counts == 0] = np.nan
            return self.of_rates(rates[:, ~side], rates[:, side])

        return rate

    @abstractmethod
    def side(self, y: NDArray[Any]) -> NDArray[np.bool_]:
        """Divide classes (k,) into two sides: False or True for each."""

    @abstractmethod
    def of_rates(self, first: Floats, second: Floats) -> Floats:
        """Compute scores (b,) from shares of right rows (b, k), the classes' of either side.

        They are NaN for classes without rows.
        """


def _mean(rates: Floats) -> Floats:
    """Average rates (b, k) over the classes that have rows; 0 without any."""
    return np.asarray(np.nansum(rates, axis=1) / (~np.isnan(rates)).sum(axis=1).clip(min=1))


@final
class BalancedAccuracy(ClassScore):
    """Accuracy, averaged over classes."""

    name = "balanced_accuracy"
    terms = "right answers in 100, all classes alike"

    def side(self, y: NDArray[Any]) -> NDArray[np.bool_]:
        return np.zeros(len(y), bool)

    def of_rates(self, first: Floats, second: Floats) -> Floats:
        return _mean(np.concatenate([first, second], axis=1))


@final
class TaskScore(Score):
    """The task's own score: share of right rows, or NMI of clusters."""

    def __init__(self, name: str, terms: str = "") -> None:
        self.name, self.terms = name, terms

    def __call__(self, task: Task, y: NDArray[Any], outputs: Any, weight: Weights = None) -> float:
        return task.score(y, outputs, weight)

    def rater(self, task: Task, y: NDArray[Any], outputs: Any) -> Rater:
        right = task.rows_right(y, outputs)
        return super().rater(task, y, outputs) if right is None else mean_rater(right)


@final
class HarmonicMean(ClassScore):
    """Harmonic mean of the accuracies on seen and on unseen classes, each averaged over classes.

    Of open sets, where all unseen classes are to be told apart as unknown, it is the H-score.

    References
    ----------
    Fu, Cao, Long & Wang, Learning to Detect Open Classes for Universal Domain Adaptation, ECCV
    2020.
    """

    def __init__(self, seen: Sequence[Any], name: str = "harmonic_mean") -> None:
        self.seen, self.name = np.array(seen), name

    def side(self, y: NDArray[Any]) -> NDArray[np.bool_]:
        return np.isin(y, self.seen)

    def of_rates(self, first: Floats, second: Floats) -> Floats:
        seen, unseen = _mean(second), _mean(first)
        return 2 * seen * unseen / np.maximum(seen + unseen, 1e-12)


@final
class Entropy(Score):
    """Entropy of the true classes inside the clusters, in bits, times −1: 0 is the best."""

    name = "entropy"
    best: ClassVar[float] = 0.0

    def __call__(self, task: Task, y: NDArray[Any], outputs: Any, weight: Weights = None) -> float:
        return -cluster_entropy(y, task.decode(outputs), weight)


@final
class Stability(Score):
    """Agreement with another clustering of the same rows: adjusted Rand index, at most 1.

    It is 0 where all rows are in one cluster.
    """

    name = "stability"
    helped, hurt = "More stable with transfer", "Less stable with transfer"

    def __call__(self, task: Task, y: NDArray[Any], outputs: Any, weight: Weights = None) -> float:
        del weight  # of labels, of which there are none
        found = task.decode(outputs)
        if min(len(np.unique(y)), len(np.unique(found))) < 2:
            return 0.0
        return float(adjusted_rand_score(y, found))


SCORES: Final[Mapping[str, Score]] = {
    score.name: score
    for score in (
        TaskScore("accuracy", terms="right answers in 100"),
        BalancedAccuracy(),
        Auc(),
        F1(),
        LogLoss(),
        Brier(),
        R2(),
        MeanAbsoluteError(),
        TaskScore("nmi"),
        Entropy(),
        ErrorRate("cer", "characters"),
        ErrorRate("wer", "words"),
    )
}

FITTING: Final[Mapping[type[Task], tuple[str, ...]]] = {
    Regression: ("r2", "mae"),
    Attributes: ("accuracy", "f1", "log_loss", "brier"),
    Clustering: ("nmi", "entropy"),
    Transcription: ("cer", "wer"),
}
"""Task → its scores, the usual one first; other tasks are of classes."""
OF_CLASSES: Final = ("accuracy", "balanced_accuracy", "auc", "f1", "log_loss", "brier")


def choose_score(task: Task, domain: Domain, name: str | None = None) -> Score:
    """Choose a task's score: accuracy, AUC for two classes with a rare one, R², NMI or CER.

    Raises
    ------
    ParameterError
        If there is no score of this name, or the task has none such.
    """
    fitting = FITTING.get(type(task), OF_CLASSES)
    if name is None:
        counts = [] if type(task) in FITTING else list(domain.counts.values())
        rare = len(counts) == 2 and min(counts) < MINORITY * sum(counts)
        return SCORES["auc" if rare else fitting[0]]
    if name not in SCORES:
        raise ParameterError(f"metric must be one of {', '.join(SCORES)}; got {name!r}")
    if name not in fitting:
        raise ParameterError(
            f"metric must fit the labels, {type(task).__name__}: {', '.join(fitting)}; got {name!r}"
        )
    return SCORES[name].of(domain)


def rows_right(task: Task, y: NDArray[Any], outputs: Any) -> NDArray[np.float64]:
    """Return whether each row is right, or the share of its right answers: (n,)."""
    right = task.rows_right(y, outputs)
    if right is None:
        raise ParameterError(f"accuracy needs classes or answers; got a {type(task).__name__}")
    return right
