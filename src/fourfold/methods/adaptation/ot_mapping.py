"""OTMapping: the source's rows, moved by optimal transport."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.algorithms.alignment import moved
from fourfold.methods.kit import Aligned, AlignsDomains, Apart, Needs, NonNegative, Positive

__all__ = ["OTMapping"]


@final
class OTMapping(AlignsDomains):
    """Move the source's rows by entropic optimal transport, and fit a model to them, by POT.

    The plan is between at most 600 rows of each domain; other rows move as the nearest of these.

    Parameters
    ----------
    reg
        Weight of the plan's entropy; costs are squared distances over the largest.
    class_reg
        Weight of the penalty on mass that goes from several classes to one row; 0 for numbers.

    References
    ----------
    Courty, Flamary, Tuia & Rakotomamonjy, Optimal Transport for Domain Adaptation, PAMI 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = OTMapping().fit(X[::2] + 3, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 3, y[::2]) > 0.8
    True
    """

    reg: Positive = 0.01
    class_reg: NonNegative = 0.1

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, words=True
    )

    def _align(self, apart: Apart) -> Aligned:
        source = apart.source
        y = source.y if apart.problem.task.has_classes else None
        return Aligned(moved(source.x, y, apart.target, self.reg, self.class_reg))
