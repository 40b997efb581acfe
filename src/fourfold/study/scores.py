"""How models are rated: scores on labels, and validators that need none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from fourfold.algorithms.purity import cluster_entropy
from fourfold.algorithms.zeroshot.generalized import GeneralizedScore
from fourfold.core.tasks import Attributes, Classification, Clustering, Regression
from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain

__all__ = [
    "SCORES",
    "ClassScore",
    "Entropy",
    "HarmonicMean",
    "InformationMaximization",
    "MutualInformation",
    "Score",
    "Stability",
    "Validator",
    "choose_score",
]

MINORITY: Final = 0.2
"""Two classes of which one is rarer than this are rated by AUC."""


class Score(ABC):
    """A number for outputs against true labels; higher is better.

    Attributes
    ----------
    name
        What it is called.
    helped, hurt
        How a sentence begins that says what a difference means.
    """

    name: ClassVar[str]
    helped: ClassVar[str] = "Transfer helped"
    hurt: ClassVar[str] = "Transfer hurt"

    @abstractmethod
    def __call__(self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        """Rate outputs (n, k) of a fitted task against labels (n,) or (n, m)."""

    def rows(
        self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]
    ) -> NDArray[np.float64] | None:
        """Return one number a row whose mean is the score, (n,); None if there is no such thing."""
        del task, y, outputs
        return None


@final
class Accuracy(Score):
    """Share of rows that are right."""

    name = "accuracy"

    def __call__(self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        return task.score(y, outputs)

    def rows(
        self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]
    ) -> NDArray[np.float64] | None:
        if isinstance(task, Classification):
            right = outputs.argmax(axis=1) == task.codes(y)
        else:
            right = task.decode(outputs) == y
        return np.asarray(right.reshape(len(y), -1).mean(axis=1), np.float64)


class ClassScore(Score, ABC):
    """A score that is made of each class's share of rows that are right."""

    def __call__(self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        return self.summed(*self.sorted(task, y, outputs))

    def sorted(
        self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return each row's group, an even number or an odd one, and whether it is right: (n,)."""
        if not isinstance(task, Classification):
            raise ParameterError(f"{self.name} needs classes; got a {type(task).__name__}")
        group = 2 * np.unique(y, return_inverse=True)[1] + self.odd(y)
        right = task.codes(y) == outputs.argmax(axis=1)
        return group.astype(np.intp), right.astype(np.float64)

    def summed(self, group: NDArray[np.intp], right: NDArray[np.float64]) -> float:
        """Make a score of some of these rows."""
        counts = np.bincount(group)
        rates = np.bincount(group, right) / np.maximum(counts, 1)
        return self.of_rates(*(rates[side::2][counts[side::2] > 0] for side in (0, 1)))

    @abstractmethod
    def odd(self, y: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell the classes of one side from those of the other, (n,)."""

    @abstractmethod
    def of_rates(self, even: NDArray[np.float64], odd: NDArray[np.float64]) -> float:
        """Make a score of the classes' shares on either side, (k,) each."""


@final
class BalancedAccuracy(ClassScore):
    """Accuracy, averaged over classes."""

    name = "balanced_accuracy"

    def odd(self, y: NDArray[Any]) -> NDArray[np.bool_]:
        return np.zeros(len(y), bool)

    def of_rates(self, even: NDArray[np.float64], odd: NDArray[np.float64]) -> float:
        return float(np.concatenate([even, odd]).mean())


@final
class Auc(Score):
    """Area under the ROC curve; with several classes, one against the rest on average."""

    name = "auc"

    def __call__(self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        if not isinstance(task, Classification):
            raise ParameterError(f"auc needs classes; got a {type(task).__name__}")
        true, p = task.codes(y), task.probabilities(outputs)
        present = np.isin(np.arange(len(task.classes_)), true)
        if present.sum() < 2:
            return 0.5
        if len(task.classes_) == 2:
            return float(roc_auc_score(true == 1, p[:, 1]))
        each = [roc_auc_score(true == i, p[:, i]) for i in np.flatnonzero(present)]
        return float(np.mean(each))


@final
class R2(Score):
    """Share of the labels' variance that is explained."""

    name = "r2"

    def __call__(self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        return task.score(y, outputs)


@final
class HarmonicMean(ClassScore):
    """Harmonic mean of the accuracies on seen and on unseen classes, each averaged over classes.

    Parameters
    ----------
    seen
        Names of the classes that had examples.
    """

    name = "harmonic_mean"

    def __init__(self, seen: Sequence[Any]) -> None:
        self.seen = np.array(seen)

    def odd(self, y: NDArray[Any]) -> NDArray[np.bool_]:
        return np.isin(y, self.seen)

    def of_rates(self, even: NDArray[np.float64], odd: NDArray[np.float64]) -> float:
        if not len(even) or not len(odd):
            return 0.0
        return GeneralizedScore.of(seen=float(odd.mean()), unseen=float(even.mean())).harmonic


@final
class MutualInformation(Score):
    """Normalized mutual information of clusters and true classes, in [0, 1]."""

    name = "nmi"

    def __call__(self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        return task.score(y, outputs)


@final
class Entropy(Score):
    """Entropy of the true classes inside the clusters, in bits, below zero: none of it is 0."""

    name = "entropy"

    def __call__(self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        del task
        return -cluster_entropy(y, outputs.argmax(axis=1))


@final
class Stability(Score):
    """Agreement with another clustering of the same rows: adjusted Rand index, at most 1.

    Where all rows are in one cluster there is nothing to agree on, and it is 0.
    """

    name = "stability"  # which says nothing about the truth
    helped, hurt = "More stable with transfer", "Less stable with transfer"

    def __call__(self, task: Task, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        del task
        found = outputs.argmax(axis=1)
        if min(len(np.unique(y)), len(np.unique(found))) < 2:
            return 0.0
        return float(adjusted_rand_score(y, found))


SCORES: Final[Mapping[str, Score]] = {
    score.name: score
    for score in (Accuracy(), BalancedAccuracy(), Auc(), R2(), MutualInformation(), Entropy())
}

FITTING: Final[Mapping[type[Task], tuple[str, ...]]] = {
    Regression: ("r2",),
    Attributes: ("accuracy",),
    Clustering: ("nmi", "entropy"),
}
"""Task → the scores for it, the usual one first; other tasks are of classes."""


def choose_score(task: Task, domain: Domain, name: str | None = None) -> Score:
    """Choose the primary score by task: accuracy, AUC for two classes with a rare one, R², NMI.

    Raises
    ------
    ParameterError
        If there is no score of that name, or it is not for this task.
    """
    if name is not None and name not in SCORES:
        raise ParameterError(f"metric must be one of {', '.join(SCORES)}; got {name!r}")
    fitting = FITTING.get(type(task), ("accuracy", "balanced_accuracy", "auc"))
    if name is not None and name not in fitting:
        raise ParameterError(f"metric must fit the labels, {type(task).__name__}; got {name!r}")
    if name is not None:
        return SCORES[name]
    if type(task) in FITTING:
        return SCORES[fitting[0]]
    counts = list(domain.counts.values())
    rare = len(counts) == 2 and min(counts) < MINORITY * sum(counts)
    return SCORES["auc" if rare else "accuracy"]


class Validator(ABC):
    """Rates a model on the target without labels; higher is better."""

    name: ClassVar[str]

    @abstractmethod
    def __call__(self, task: Task, outputs: NDArray[np.float32]) -> float:
        """Rate outputs (n, k) for the target's rows."""


@final
class InformationMaximization(Validator):
    """Sure about each row, and all classes in use: H(mean p) − mean H(p), in nats.

    References
    ----------
    Musgrave, Belongie & Lim, Three New Validators and a Large-Scale Benchmark Ranking for
    Unsupervised Domain Adaptation, 2022.
    """

    name = "information maximization"

    def __call__(self, task: Task, outputs: NDArray[np.float32]) -> float:
        if not isinstance(task, Classification):
            raise ParameterError(
                f"without labels only classes can be validated; got a {type(task).__name__}: "
                "bring some target labels"
            )
        p = task.probabilities(outputs).astype(np.float64)
        return float(_entropy(p.mean(axis=0)) - _entropy(p).mean())


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    logs = np.log(np.where(p > 0, p, 1.0))
    return np.asarray(-(p * logs).sum(axis=-1))
