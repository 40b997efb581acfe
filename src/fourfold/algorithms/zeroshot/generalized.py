"""The score of generalized zero-shot recognition."""

from __future__ import annotations

from typing import NamedTuple, Self

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
