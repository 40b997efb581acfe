"""The score of generalized zero-shot recognition."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GeneralizedScore"]


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
        """Rate predicted classes.

        Parameters
        ----------
        true, guess
            (n,) true and predicted classes, as positions.
        seen
            (k,) whether each class has examples.

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
