"""Self-taught clustering: other unlabelled data tell which features belong together."""

from __future__ import annotations

from typing import ClassVar, Literal, final

from fourfold.methods.clustering._coclusters import Auxiliary, CoClusters
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
    lambda_
        λ, the weight of the auxiliary data; at 1, as in the paper, both domains count alike,
        whatever their numbers of rows. ``"auto"`` holds out a quarter of the target's counts, and
        takes the one of 1, 10 and 100 whose clusters keep the most information of them; 1 where
        none keeps any.
    n_auxiliary_clusters
        Number of clusters of the auxiliary rows.

    Attributes
    ----------
    lambda_used_
        The λ that the clusters were found with.

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

    lambda_: NonNegative | Literal["auto"] = "auto"
    n_auxiliary_clusters: PositiveInt = 8

    needs: ClassVar[Needs] = Needs(source=True, source_labels=False, target_labels=False)
    renamed: ClassVar[dict[str, str]] = {**CoClusters.renamed, "weight": "lambda_"}

    @property
    def lambda_used_(self) -> float:
        """The λ that the clusters were found with."""
        return float(self.clusters_["lambda"])

    def _auxiliary(self) -> Auxiliary:
        weight = None if self.lambda_ == "auto" else float(self.lambda_)
        return Auxiliary(weight, self.n_auxiliary_clusters)
