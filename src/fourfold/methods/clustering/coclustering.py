"""Baseline: information-theoretic co-clustering of the target alone."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.clustering._coclusters import CoClusters
from fourfold.methods.kit import Needs

__all__ = ["CoClustering"]


@final
class CoClustering(CoClusters):
    """Cluster the target's rows and features together, by their mutual information.

    The same as ``SelfTaughtClustering`` with λ = 0: the gain over it comes from the auxiliary data.

    References
    ----------
    Dhillon, Mallela & Modha, Information-Theoretic Co-clustering, KDD 2003.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> CoClustering(n_init=2).fit(X).score(X, y) > 0.8
    True
    """

    needs: ClassVar[Needs] = Needs(target_labels=False)
    uses_source: ClassVar[bool] = False

    def _auxiliary(self) -> None:
        return None
