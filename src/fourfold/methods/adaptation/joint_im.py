"""Information maximization beside the source's labels."""

from __future__ import annotations

from typing import ClassVar, final

from torch import Tensor, nn

from fourfold.methods.adaptation._joint import Shares, TrainsJointly, View, class_shares
from fourfold.methods.kit import Model, Needs, NonNegative, Problem, information

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
        Shares of the classes in the target: ``"source"``, those of the source's labels, or
        ``"expected"``, halfway from there to those that the source model predicts, for targets that
        lack classes or have others more often.

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
    class_shares: Shares = "source"

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, classes=True
    )

    def _critic(self, width: int, problem: Problem, model: Model) -> nn.Module:
        del width
        return _Information(class_shares(problem, model, self.class_shares))

    def _align(self, weight: float, s: View, t: View, critic: nn.Module) -> Tensor:
        del s
        missed: Tensor = critic(t.outputs)
        return self.weight * weight * missed


@final
class _Information(nn.Module):
    """Minus the information of outputs (B, k), by shares (k,) of the classes."""

    shares: Tensor

    def __init__(self, shares: Tensor) -> None:
        super().__init__()
        self.register_buffer("shares", shares)

    def forward(self, outputs: Tensor) -> Tensor:
        return -information(outputs, self.shares)
