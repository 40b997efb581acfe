"""CORAL: correlation alignment."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.algorithms.alignment import recolouring
from fourfold.methods.kit import Aligned, AlignsDomains, Apart, Needs, NonNegative

__all__ = ["CORAL"]


@final
class CORAL(AlignsDomains):
    """Give the source's rows the covariance of the target's, and fit a model to them.

    Parameters
    ----------
    reg
        Added to the variances of both domains, which are 1.

    References
    ----------
    Sun, Feng & Saenko, Return of Frustratingly Easy Domain Adaptation, AAAI 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> CORAL().fit(X[::2] + 3, source=Domain(X[1::2], y[1::2])).score(X[::2] + 3, y[::2]) > 0.9
    True
    """

    reg: NonNegative = 1.0

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, words=True
    )
    variants: ClassVar[dict[str, tuple[str, ...]]] = {"base": ("linear", "kernel")}

    def _align(self, apart: Apart) -> Aligned:
        source = apart.source.x
        return Aligned(source @ recolouring(source, apart.target, self.reg))
