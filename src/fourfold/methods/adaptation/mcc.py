"""Minimum class confusion."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.methods.adaptation._joint import TrainsJointly, View
from fourfold.methods.kit import Needs, NonNegative, Positive, class_confusion

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["MCC"]


@final
class MCC(TrainsJointly):
    """Train on the source's labels, and keep the target's classes from being confused.

    Two classes are confused where the same rows of a batch have both as probable. Surer rows count
    more, and each class as much as another.

    Parameters
    ----------
    weight
        Weight of the confusion at the end of training.
    temperature
        Divisor of the outputs before their softmax.

    References
    ----------
    Jin, Wang, Long & Wang, Minimum Class Confusion for Versatile Domain Adaptation, ECCV 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MCC().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 0.1, y[::2]) > 0.8
    True
    """

    weight: NonNegative = 1.0
    temperature: Positive = 2.5

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, classes=True
    )

    def _align(self, weight: float, s: View, t: View, critic: nn.Module) -> Tensor:
        del s, critic
        return self.weight * weight * class_confusion(t.outputs, self.temperature)
