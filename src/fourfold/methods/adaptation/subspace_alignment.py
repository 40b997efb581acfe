"""SubspaceAlignment: principal axes of the source, turned to the target's."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.algorithms.alignment import subspaces
from fourfold.methods.kit import Aligned, AlignsDomains, Apart, Fraction, Needs

__all__ = ["SubspaceAlignment"]


@final
class SubspaceAlignment(AlignsDomains):
    """Turn the source's principal axes to the target's, and fit a model on these.

    Parameters
    ----------
    variance
        Share of the variance of each domain that the axes hold.

    References
    ----------
    Fernando, Habrard, Sebban & Tuytelaars, Unsupervised Visual Domain Adaptation Using Subspace
    Alignment, ICCV 2013.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SubspaceAlignment().fit(X[::2] + 3, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 3, y[::2]) > 0.8
    True
    """

    variance: Fraction = 0.9

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, words=True
    )

    def _align(self, apart: Apart) -> Aligned:
        own, theirs = subspaces(apart.source.x, apart.target, self.variance)
        return Aligned(apart.source.x @ own, theirs)
