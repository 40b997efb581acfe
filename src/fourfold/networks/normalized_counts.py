"""NormalizedCounts: counts as features, each row divided by its norm."""

from __future__ import annotations

import math
from typing import Annotated, Literal, final

import annotated_types as at
from torch import Tensor, nn

from fourfold.algorithms.codebook import CodebookLayer
from fourfold.networks.builder import Body, Builder
from fourfold.networks.flat import flattened

__all__ = ["NormalizedCounts", "Normalizer"]


@final
class Normalizer(nn.Module):
    """Divide each row of counts (B, m) by its norm; a row of zeros stays zero.

    Parameters
    ----------
    norm
        ``"l1"``: the sum, of counts ≥ 0; ``"l2"``: the Euclidean length.
    """

    def __init__(self, norm: Literal["l1", "l2"] = "l1") -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Normalize a batch."""
        x = x.float()
        size = (
            x.sum(1, keepdim=True) if self.norm == "l1" else x.square().sum(1, keepdim=True).sqrt()
        )
        return x / (size + (size <= 0))


@final
class NormalizedCounts(Builder):
    """Counts, or numbers counted by a codebook, with each row divided by its norm.

    Parameters
    ----------
    n_words
        Codebook words of each number; 0: the rows are counts.
    norm
        ``"l1"``: the sum of the counts; ``"l2"``: their Euclidean length.

    Examples
    --------
    >>> NormalizedCounts(n_words=8).build((10,)).width
    80
    """

    n_words: Annotated[int, at.Ge(0)] = 0
    norm: Literal["l1", "l2"] = "l1"

    def _build(self, shape: tuple[int, ...]) -> Body:
        d = math.prod(shape)
        stages = dict(flattened(shape))
        if self.n_words:
            stages["codes"] = CodebookLayer.blank(d, self.n_words)
        return Body({**stages, "normalize": Normalizer(self.norm)}, d * max(1, self.n_words))
