"""Answers on rows, and how good they are: the same for a study's models and for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from sklearn import metrics

from fourfold.metrics import expected_calibration_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Answers", "brier", "calibration", "constant_brier", "gap_error", "rate"]

ENOUGH: Final = 1000
"""Rows from which on a calibration error says something."""
DRAWS: Final = 200
"""Resamples of rows behind the error of a difference."""


class Answers(NamedTuple):
    """Answers for n rows.

    Attributes
    ----------
    values
        (n, k) probabilities of classes, or (n,) numbers or clusters.
    classes
        (k,) names of the classes; None for numbers and clusters.
    """

    values: NDArray[Any]
    classes: NDArray[np.str_] | None = None

    @classmethod
    def of_classes(cls, values: Any, classes: Any) -> Answers:
        """Return probabilities (n, k) of classes of any type."""
        return cls(np.asarray(values, np.float64), np.asarray(classes).astype(str))

    def at(self, index: Any) -> Answers:
        """Return the answers for some rows."""
        return Answers(self.values[index], self.classes)

    @property
    def guesses(self) -> NDArray[Any]:
        """(n,) the likeliest classes, or the numbers or clusters themselves."""
        return self.values if self.classes is None else self.classes[self.values.argmax(axis=1)]


def rate(metric: str, y: NDArray[Any], answers: Answers) -> float:
    """Rate answers against labels (n,); higher is better."""
    return float(RATES[metric](y if y.dtype.kind == "f" else y.astype(str), answers))


def brier(y: NDArray[Any], answers: Answers) -> float | None:
    """Return the squared distance of probabilities from the truth, halved for two classes."""
    if answers.classes is None:
        return None
    true = y.astype(str)[:, None] == answers.classes
    missed = ~true.any(axis=1)
    errors = ((answers.values - true) ** 2).sum(axis=1) + missed
    return float(errors.mean()) / (2 if len(answers.classes) == 2 else 1)


def calibration(y: NDArray[Any], answers: Answers) -> float | None:
    """Return the expected calibration error of two classes; None of fewer than a thousand rows."""
    if answers.classes is None or len(answers.classes) != 2 or len(y) < ENOUGH:
        return None
    event = y.astype(str) == answers.classes[1]
    return expected_calibration_error(event, answers.values[:, 1])


def constant_brier(y: NDArray[Any], labels: NDArray[Any]) -> float | None:
    """Return the error of answering every row with the shares of some labels."""
    if labels.dtype.kind == "f" or not len(labels):
        return None
    names, counts = np.unique(labels.astype(str), return_counts=True)
    shares = np.tile(counts / counts.sum(), (len(y), 1))
    return brier(y, Answers(shares, names))


def gap_error(metric: str, y: NDArray[Any], ours: Answers, theirs: Answers) -> float:
    """Return the standard error of the difference of two scores, by a paired bootstrap of rows."""
    random = np.random.default_rng(0)
    gaps = []
    for _ in range(DRAWS):
        rows = random.integers(len(y), size=len(y))
        if len(np.unique(y[rows])) > 1:
            gaps.append(
                rate(metric, y[rows], ours.at(rows)) - rate(metric, y[rows], theirs.at(rows))
            )
    return float(np.std(gaps, ddof=1))


def _auc(y: NDArray[Any], answers: Answers) -> float:
    positive = np.unique(y)[-1]
    assert answers.classes is not None
    (column,) = np.flatnonzero(answers.classes == positive)
    return float(metrics.roc_auc_score(y == positive, answers.values[:, column]))


def _balanced(y: NDArray[Any], answers: Answers) -> float:
    return float(np.mean([(answers.guesses[y == name] == name).mean() for name in np.unique(y)]))


RATES: Final[dict[str, Callable[[NDArray[Any], Answers], float]]] = {
    "auc": _auc,
    "accuracy": lambda y, answers: float((answers.guesses == y).mean()),
    "balanced_accuracy": _balanced,
    "r2": lambda y, answers: metrics.r2_score(y, answers.values.ravel()),
    "nmi": lambda y, answers: metrics.normalized_mutual_info_score(y, answers.values),
}
