"""Deep CORAL: correlation alignment inside a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.methods.adaptation._joint import TrainsJointly, View
from fourfold.methods.kit import Needs, NonNegative

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["DeepCORAL"]


@final
class DeepCORAL(TrainsJointly):
    """Train on the source's labels with features of equal covariance in both domains.

    The loss is ‖C_s − C_t‖²_F/(4d²), of the covariances of d features over a batch.

    Parameters
    ----------
    weight
        Weight of the covariances' distance at the end of training.

    References
    ----------
    Sun & Saenko, Deep CORAL: Correlation Alignment for Deep Domain Adaptation, ECCV Workshops 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DeepCORAL().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 0.1, y[::2]) > 0.8
    True
    """

    weight: NonNegative = 10.0

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True
    )

    def _align(self, weight: float, s: View, t: View, critic: nn.Module) -> Tensor:
        del critic
        distance = (_covariance(s.features) - _covariance(t.features)).square().sum()
        return self.weight * weight * distance / (4 * s.features.shape[1] ** 2)


def _covariance(features: Tensor) -> Tensor:
    """Compute the covariance (d, d) of features (B, d); 0 for a single row."""
    centred = features - features.mean(0)
    return centred.T @ centred / max(len(features) - 1, 1)
