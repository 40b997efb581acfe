"""Latent coordinates of rows, at unit length."""

from __future__ import annotations

import math
from typing import final

from torch import Tensor, nn

from fourfold.core.parameters import PositiveInt
from fourfold.networks.builder import Body, Builder
from fourfold.networks.flat import flattened
from fourfold.networks.normalized_counts import Normalizer

__all__ = ["Damp", "Latent"]


@final
class Damp(nn.Module):
    """log(1 + x) of each count, odd in x."""

    def forward(self, x: Tensor) -> Tensor:
        """Damp a batch."""
        x = x.float()
        return x.sign() * x.abs().log1p()


@final
class Latent(Builder):
    """Rows, flattened, times a matrix, brought to unit length; counts are damped first.

    Parameters
    ----------
    width
        Number of coordinates.
    counts
        Whether rows are counts.

    Examples
    --------
    >>> Latent(width=3).build((10,)).width
    3
    """

    width: PositiveInt = 50
    counts: bool = True

    def _build(self, shape: tuple[int, ...]) -> Body:
        stages: dict[str, nn.Module] = dict(flattened(shape))
        if self.counts:
            stages["damp"] = Damp()
        stages["project"] = nn.Linear(math.prod(shape), self.width, bias=False)
        return Body({**stages, "normalize": Normalizer("l2")}, self.width)
