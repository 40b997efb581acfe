"""Self-taught clustering: other unlabelled data tell which features belong together."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.clustering._coclusters import CoClusters
from fourfold.methods.kit import Needs, NonNegative, PositiveInt

__all__ = ["SelfTaughtClustering"]


@final
class SelfTaughtClustering(CoClusters):
    """Cluster the target and auxiliary data over one clustering of the features that they share.

    Nothing is labelled. The target's rows X and the auxiliary rows Y are clustered each by
    themselves, the features Z for both together, with the least loss of mutual information,
    [I(X;Z) − I(X̃;Z̃)] + λ [I(Y;Z) − I(Ỹ;Z̃)]: where the target is too small to tell which features
    belong together, the auxiliary data do. They need not hold anything of the target's kind.

    Parameters
    ----------
    weight
        λ; 1, as in the paper's objective: both count alike, however many rows they have.
    n_auxiliary_clusters
        Number of clusters of the auxiliary rows.

    References
    ----------
    Dai, Yang, Xue & Yu, Self-taught Clustering, ICML 2008.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fourfold import Domain
    >>> X, y = load_digits(return_X_y=True)
    >>> zeros_and_sixes, others = X[(y == 0) | (y == 6)][:60], X[(y != 0) & (y != 6)][:500]
    >>> model = SelfTaughtClustering(n_init=2).fit(zeros_and_sixes, source=Domain(others))
    >>> model.score(X[(y == 0) | (y == 6)], y[(y == 0) | (y == 6)]) > 0.8
    True
    """

    weight: NonNegative = 1.0
    n_auxiliary_clusters: PositiveInt = 8

    needs: ClassVar[Needs] = Needs(source=True, source_labels=False, target_labels=False)

    def _auxiliary(self) -> tuple[float, int]:
        return self.weight, self.n_auxiliary_clusters
