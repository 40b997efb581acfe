"""The score of generalized zero-shot recognition, and the choice of parameters by scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GeneralizedScore", "central_choice", "mean_class_accuracy"]


class GeneralizedScore(NamedTuple):
    """Accuracies on rows of seen and of unseen classes, recognized among all classes.

    Attributes
    ----------
    seen, unseen
        Accuracy, averaged over classes, in [0, 1].
    harmonic
        Their harmonic mean.
    """

    seen: float
    unseen: float
    harmonic: float

    @classmethod
    def of(cls, seen: float, unseen: float) -> Self:
        """Return both accuracies with their harmonic mean."""
        return cls(seen, unseen, 2 * seen * unseen / max(seen + unseen, 1e-12))

    @classmethod
    def of_rows(
        cls, true: NDArray[np.intp], guess: NDArray[np.intp], seen: NDArray[np.bool_]
    ) -> Self:
        """Rate predicted classes (n,), as positions; (k,) tells of each whether it has examples.

        Raises
        ------
        DataError
            If there is no row of seen, or none of unseen classes.
        """
        codes = np.unique(true)
        accuracy = np.array([(guess[true == code] == code).mean() for code in codes])
        known = seen[codes]
        if known.all() or not known.any():
            kind = "seen" if known.all() else "unseen"
            raise DataError(
                f"rows of both seen and unseen classes must be there; got {kind} ones only"
            )
        return cls.of(float(accuracy[known].mean()), float(accuracy[~known].mean()))


def mean_class_accuracy(true: NDArray[np.integer[Any]], guess: NDArray[np.integer[Any]]) -> float:
    """Average the accuracy over the classes of the labels (n,), as scikit-learn's balanced one.

    Examples
    --------
    >>> mean_class_accuracy(np.array([0, 0, 0, 2]), np.array([0, 0, 1, 2]))
    0.8333333333333333
    """
    counts = np.bincount(true)
    right = np.bincount(true, true == guess)
    return float((right[counts > 0] / counts[counts > 0]).mean())


def central_choice(scores: NDArray[np.float64]) -> tuple[int, ...]:
    """Return the central grid point among those within a standard error of the best score.

    Scores are (repeats, ...). On few held-out classes the single best point is best by chance.

    Examples
    --------
    >>> central_choice(np.array([[0.1, 0.8, 0.8, 0.8, 0.2]] * 3))
    (2,)
    """
    mean = scores.mean(axis=0)
    best = np.unravel_index(mean.argmax(), mean.shape)
    error = scores[:, *best].std() / np.sqrt(len(scores))
    good = np.argwhere(mean >= mean.max() - error)
    place = good[((good - good.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return tuple(place.tolist())
