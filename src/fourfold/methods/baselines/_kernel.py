"""Last layer of a kernel machine, and the factor that makes its values log-odds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.algorithms.calibration import temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.algorithms.samples import Sample

    Floats = NDArray[np.float64]

__all__ = ["KernelHead", "sharpness"]

SHARPNESS: Final = 2.0
"""Factor that makes values log-odds where no held-out rows tell it."""


def sharpness(values: Floats, held: Sample) -> float:
    """Return the factor of values (m, k) with the least log loss, near the usual one for few."""
    if not len(values):
        return SHARPNESS
    codes, weight = held.y.astype(int), held.weight.astype(float)
    return SHARPNESS * temperature(SHARPNESS * values, codes, weight)


@final
class KernelHead(nn.Module):
    """Outputs Σᵢ cᵢₖ exp(−γₖ‖f − fᵢ‖²) + bₖ of features (B, d), with one γ for all or k."""

    rows: Tensor
    coefficients: Tensor
    bias: Tensor
    gamma: Tensor

    def __init__(self, outputs: int, width: int) -> None:
        super().__init__()
        nothing = np.zeros((0, width), np.float32)
        self.put(nothing, np.zeros((0, outputs)), np.zeros(outputs), np.ones(1))

    def put(self, x: NDArray[Any], coefficients: Floats, bias: Floats, gamma: Floats) -> None:
        """Set rows (n, d), coefficients (n, k), biases (k,) and gamma (1,) or (k,)."""
        parts = {"rows": x, "coefficients": coefficients, "bias": bias, "gamma": gamma}
        for name, part in parts.items():
            self.register_buffer(name, torch.as_tensor(part).float())

    def forward(self, features: Tensor) -> Tensor:
        squares = features.square().sum(1, keepdim=True) + self.rows.square().sum(1)
        apart = (squares - 2 * features @ self.rows.T).clamp(min=0)  # (B, n)
        if len(self.gamma) == 1:
            return torch.exp(-self.gamma * apart) @ self.coefficients + self.bias
        kernel = torch.exp(-self.gamma * apart[:, :, None])  # (B, n, k)
        return (kernel * self.coefficients).sum(1) + self.bias

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *more: Any) -> None:
        for name in ("rows", "coefficients", "bias", "gamma"):  # as many rows as were saved
            if prefix + name in state:
                self.register_buffer(name, torch.empty_like(state[prefix + name]))
        super()._load_from_state_dict(state, prefix, *more)
