"""Self-taught clustering without anything that teaches it: information-theoretic co-clustering."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.estimators.contracts import Needs
from fourfold.methods.clustering._coclusterer import Auxiliary, CoClusterer

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job

__all__ = ["CoClustering"]


@final
class CoClustering(CoClusterer):
    """Cluster the target's rows and features together by their mutual information.

    It is ``SelfTaughtClustering`` with λ = 0: the difference is the gain from auxiliary data.

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

    def _auxiliary(self, job: Job) -> Auxiliary | None:
        del job
        return None
