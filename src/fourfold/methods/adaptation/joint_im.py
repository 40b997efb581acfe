"""Information maximization beside the source's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.methods.adaptation._joint import Shares, TrainsJointly, Uninformed, View
from fourfold.methods.kit import Model, Needs, NonNegative, Problem

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["JointIM"]


@final
class JointIM(TrainsJointly):
    """Train on the source's labels and on sure, diverse predictions for the target.

    The target's predictions should be sure, row by row, and have the classes' shares π together:
    −KL(mean p ‖ π) − mean H(p) is maximized, which with equal shares is the mutual information of
    rows and classes.

    Parameters
    ----------
    weight
        Weight of the information at the end of training.
    class_shares
        Shares of the classes in the target: ``"expected"``, halfway between those of the source's
        labels and those that the network predicts while it learns, as targets may lack classes or
        have others more often; or ``"source"``, those of the source's labels.

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
    class_shares: Shares = "expected"

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, classes=True
    )

    def _critic(self, width: int, problem: Problem, model: Model) -> nn.Module:
        del width
        return Uninformed(problem, model, self.class_shares)

    def _align(self, weight: float, s: View, t: View, critic: nn.Module) -> Tensor:
        del s
        missed: Tensor = critic(t.outputs)
        return self.weight * weight * missed
