"""Standardized: the source model on domains that are standardized each by itself."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np

from fourfold.methods.kit import Aligned, AlignsDomains, Apart, Needs

__all__ = ["Standardized"]


@final
class Standardized(AlignsDomains):
    """Fit a model to the source's rows, where each domain has means 0 and spreads 1 of its own.

    Other units and levels of the target do not matter then.

    References
    ----------
    Li, Wang, Shi, Hou & Liu, Adaptive Batch Normalization for Practical Domain Adaptation, Pattern
    Recognition 2018: the same at the layers of a network.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> inches = X[::2] / 2.54
    >>> Standardized().fit(inches, source=Domain(X[1::2], y[1::2])).score(inches, y[::2]) > 0.9
    True
    """

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, words=True
    )
    variants: ClassVar[dict[str, tuple[str, ...]]] = {"base": ("linear", "kernel")}

    def _align(self, apart: Apart) -> Aligned:
        return Aligned(apart.source.x.astype(np.float64))
