"""Rows as what they hold of each feature: counts, divided by their sum or their length."""

from __future__ import annotations

import math
from typing import Annotated, Literal, final

import annotated_types as at
from torch import Tensor, nn

from fourfold.algorithms.codebook import Codes
from fourfold.networks.builder import Body, Builder

__all__ = ["Share", "Shares"]


@final
class Share(nn.Module):
    """Divide each row (B, m) by its sum, or by its Euclidean length; an empty one stays as it is.

    Parameters
    ----------
    by
        ``"sum"`` or ``"length"``.
    """

    def __init__(self, by: Literal["sum", "length"] = "sum") -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        """Divide."""
        x = x.float()
        size = (
            x.sum(1, keepdim=True) if self.by == "sum" else x.square().sum(1, keepdim=True).sqrt()
        )
        return x / (size + (size <= 0))


@final
class Shares(Builder):
    """Counts of a row, or of its numbers by a codebook, as shares of the whole.

    Parameters
    ----------
    words
        How many words of a codebook each number may count for; 0: rows are counts already.
    by
        What rows are divided by: their sum or their Euclidean length.

    Examples
    --------
    >>> Shares(words=8).build((10,)).width
    80
    """

    words: Annotated[int, at.Ge(0)] = 0
    by: Literal["sum", "length"] = "sum"

    def _build(self, shape: tuple[int, ...]) -> Body:
        d = math.prod(shape)
        stages: dict[str, nn.Module] = {"flatten": nn.Flatten()} if len(shape) > 1 else {}
        if self.words:
            stages["codes"] = Codes.blank(d, self.words)
        return Body({**stages, "share": Share(self.by)}, d * max(1, self.words))
