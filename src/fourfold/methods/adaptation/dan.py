"""Deep adaptation network: means of kernels are matched."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

import torch

from fourfold.methods.adaptation._joint import TrainsJointly, View
from fourfold.methods.kit import Needs, NonNegative

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["DAN"]

WIDTHS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Widths of the kernels, as multiples of the mean squared distance in a batch."""


@final
class DAN(TrainsJointly):
    """Train on the source's labels with features of equal distribution in both domains.

    The distance is the squared maximum mean discrepancy under several Gaussian kernels.

    Parameters
    ----------
    weight
        Weight of the discrepancy at the end of training.

    References
    ----------
    Long, Cao, Wang & Jordan, Learning Transferable Features with Deep Adaptation Networks, ICML
    2015. Gretton et al., A Kernel Two-Sample Test, JMLR 2012.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DAN().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 0.1, y[::2]) > 0.8
    True
    """

    weight: NonNegative = 1.0

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True
    )

    def _align(self, weight: float, s: View, t: View, critic: nn.Module) -> Tensor:
        del critic
        return self.weight * weight * _discrepancy(s.features, t.features)


def _discrepancy(source: Tensor, target: Tensor) -> Tensor:
    """Compute the squared discrepancy of rows (n, d) and (m, d), summed over the kernels."""
    x, n = torch.cat([source, target]), len(source)
    squares = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").square()
    mean = squares.detach().mean().clamp_min(1e-12)
    kernel = torch.stack([torch.exp(-squares / (width * mean)) for width in WIDTHS]).sum(0)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
