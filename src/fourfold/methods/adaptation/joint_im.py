"""Information maximization beside the source's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.methods.adaptation._joint import TrainsJointly, View
from fourfold.methods.kit import Needs, NonNegative, information

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["JointIM"]


@final
class JointIM(TrainsJointly):
    """Train on the source's labels and on sure, diverse predictions for the target.

    The target's predictions should be sure, row by row, and use all classes: their mutual
    information with the rows, H(mean p) − mean H(p), is maximized.

    Parameters
    ----------
    weight
        Weight of the information at the end of training.

    References
    ----------
    Krause, Perona & Gomes, Discriminative Clustering by Regularized Information Maximization,
    NeurIPS 2010; Shi & Sha, Information-Theoretical Learning of Discriminative Clusters for
    Unsupervised Domain Adaptation, ICML 2012.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = JointIM().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 0.1, y[::2]) > 0.8
    True
    """

    weight: NonNegative = 1.0

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, classes=True
    )

    def _align(self, weight: float, s: View, t: View, critic: nn.Module) -> Tensor:
        del s, critic
        return -self.weight * weight * information(t.outputs)
