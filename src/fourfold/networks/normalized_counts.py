"""NormalizedCounts and Latent: counts, or their latent coordinates, divided by their norm."""

from __future__ import annotations

import math
from typing import Annotated, Literal, final

import annotated_types as at
from torch import Tensor, nn

from fourfold.algorithms.codebook import CodebookLayer
from fourfold.core.parameters import PositiveInt
from fourfold.networks.builder import Body, Builder
from fourfold.networks.mlp import flattened

__all__ = ["Damp", "Latent", "NormalizedCounts", "Normalizer"]


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


@final
class Damp(nn.Module):
    """log(1 + x) of each count, odd in x."""

    def forward(self, x: Tensor) -> Tensor:
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
