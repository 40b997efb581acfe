"""Adapter: a lateral connection from an old column to a new one."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

__all__ = ["Adapter"]


@final
class Adapter(nn.Module):
    """The lateral connection U relu(V α h) from an old column to a new one at a joint.

    U starts at zero, so that a new column starts as if it were alone.

    Parameters
    ----------
    inner, outer
        Channels of the old and of the new column.
    width
        Channels between V and U.
    scale
        α at the start; it is learnt.
    planes
        Whether activations are (C, H, W), with 1×1 convolutions as V and U; else they are (d,).
    """

    def __init__(self, inner: int, outer: int, width: int, scale: float, *, planes: bool) -> None:
        super().__init__()
        self.width = width
        self.scale = nn.Parameter(torch.tensor(scale))
        self.narrow = nn.Conv2d(inner, width, 1) if planes else nn.Linear(inner, width)
        self.widen = nn.Conv2d(width, outer, 1) if planes else nn.Linear(width, outer)
        for weights in self.widen.parameters():
            nn.init.zeros_(weights)

    def forward(self, h: Tensor) -> Tensor:
        added: Tensor = self.widen(self.narrow(self.scale * h).relu())
        return added
