"""Scores of classes from predicted attributes: Σ log p(a|x) / p(a)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.algorithms.zeroshot.signatures import columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.zeroshot.signatures import AttributeEncoder

    Array = NDArray[np.float64]

__all__ = ["Posterior", "Prior"]

SURE: Final = 1e-6
"""Least distance of a probability to 0 and 1."""


class Prior(NamedTuple):
    """The distribution of attributes over classes.

    The mean is (m,) relative frequencies of values and means of numbers; the variance (m,) that of
    numbers, 1 elsewhere.
    """

    mean: Array
    variance: Array

    @classmethod
    def of(cls, signatures: NDArray[np.float32], encoders: Sequence[AttributeEncoder]) -> Prior:
        """Estimate from classes (c, m), NaN for missing, with one uniform pseudocount."""
        S = signatures.astype(np.float64)
        there = ~np.isnan(S)
        n, total = there.sum(axis=0), np.where(there, S, 0.0).sum(axis=0)
        numbers = _repeated(encoders, [e.kind == "continuous" for e in encoders])
        ways = _repeated(encoders, [max(e.width, 2) for e in encoders])
        mean = np.where(numbers, total / np.maximum(n, 1), (total + 1 / ways) / (n + 1))
        square = np.where(there, (S - mean) ** 2, 0.0).sum(axis=0) / np.maximum(n, 1)
        return cls(mean, np.where(numbers & (square > SURE), square, 1.0))


@final
class Posterior(nn.Module):
    """Embed predicted attributes (B, m) as (B, F), such that the product with a class is its score.

    The score Σ log p(a_m|x) / p(a_m) is linear in statistics of a class: the value of truth values
    and categories, a and a² of numbers with a normal distribution. A missing attribute has
    statistics of zero: p(a|x) / p(a) = 1.

    Attributes
    ----------
    attribute_of
        (F,) the attribute of each coordinate of the embedding.
    columns
        Each attribute with its columns of the signature.
    """

    prior: Tensor
    spread: Tensor
    trust: Tensor
    noise: Tensor
    words: Tensor
    yes: Tensor
    numbers: Tensor

    def __init__(self, encoders: Sequence[AttributeEncoder]) -> None:
        super().__init__()
        kinds = _repeated(encoders, [encoder.kind for encoder in encoders])
        owner = _repeated(encoders, range(len(encoders)))
        self.columns = columns_of(encoders)
        chosen = {
            "words": np.flatnonzero(kinds != "continuous"),
            "yes": np.flatnonzero(kinds == "binary"),
            "numbers": np.flatnonzero(kinds == "continuous"),
        }
        for name, columns in chosen.items():
            self.register_buffer(name, torch.from_numpy(columns))
        numbers = chosen["numbers"]
        coordinates = [chosen["words"], chosen["yes"], numbers, numbers, numbers]
        self.attribute_of = owner[np.concatenate(coordinates)]
        self.register_buffer("prior", torch.full((len(kinds),), 0.5))
        for name in ("spread", "noise"):
            self.register_buffer(name, torch.ones(len(kinds)))
        self.register_buffer("trust", torch.ones(()))

    def calibrate(
        self, prior: Prior, trust: float, predicted: Array, true: Array, weight: Array
    ) -> None:
        """Set the prior, the trust in predictions, and the error variance of predicted numbers.

        Parameters
        ----------
        prior, trust
            Of the attributes, and t in t p(a|x) + (1 − t) p(a).
        predicted, true, weight
            (n, m) predictions for rows, the attributes of their classes, NaN if unknown, and (n,).
        """
        known = ~np.isnan(true) * weight[:, None]
        error = np.nan_to_num(true - trust * predicted - (1 - trust) * prior.mean)
        total = known.sum(axis=0)
        noise = (known * error**2).sum(axis=0) / np.where(total > 0, total, 1)
        noise = np.where(total > 0, noise, prior.variance)
        noise = noise.clip(SURE * prior.variance, prior.variance)  # no worse than no prediction
        self.prior.copy_(torch.from_numpy(prior.mean))
        self.spread.copy_(torch.from_numpy(prior.variance))
        self.noise.copy_(torch.from_numpy(noise))
        self.trust.fill_(trust)

    def shrunk(self, predicted: Tensor) -> Tensor:
        """Return predictions (B, m) shrunk towards the prior."""
        return self.trust * predicted + (1 - self.trust) * self.prior

    def forward(self, predicted: Tensor) -> Tensor:
        p = self.shrunk(predicted)
        likely, base = p[:, self.words].clamp(SURE, 1 - SURE), self.prior[self.words]
        unlikely, unbased = 1 - p[:, self.yes].clamp(SURE, 1 - SURE), 1 - self.prior[self.yes]
        mean, noise = p[:, self.numbers], self.noise[self.numbers]
        centre, spread = self.prior[self.numbers], self.spread[self.numbers]
        curve = (0.5 / spread - 0.5 / noise).expand_as(mean)
        rest = centre.square() / (2 * spread) - mean.square() / (2 * noise)
        parts = [
            (likely / base).log(),
            (unlikely / unbased).log(),
            mean / noise - centre / spread,
            curve,
            rest + 0.5 * (spread / noise).log(),
        ]
        return torch.cat(parts, 1)  # (B, F)

    def embed_classes(self, signatures: Tensor) -> Tensor:
        """Return the embeddings (k, F) of signatures (k, m)."""
        there = (~signatures.isnan()).to(signatures.dtype)
        s = signatures.nan_to_num()
        numbers = s[:, self.numbers]
        no = there[:, self.yes] - s[:, self.yes]
        parts = [s[:, self.words], no, numbers, numbers.square(), there[:, self.numbers]]
        return torch.cat(parts, 1)

    def signatures_of(self, embedded: Tensor) -> Array:
        """Return the signatures (k, m) of embedded classes (k, F)."""
        made = np.full((len(embedded), len(self.prior)), np.nan)
        words, yes, numbers = (part.numpy() for part in (self.words, self.yes, self.numbers))
        rest = embedded.double().numpy()
        made[:, words], rest = np.split(rest, [len(words)], axis=1)
        no, rest = np.split(rest, [len(yes)], axis=1)
        value, _, there = np.split(rest, 3, axis=1)
        made[:, numbers] = np.where(there > 0, value, np.nan)
        made[:, yes] = np.where(made[:, yes] + no > 0, made[:, yes], np.nan)
        for encoder, on in self.columns:
            if encoder.kind == "categorical":
                made[(made[:, on] == 0).all(axis=1), on] = np.nan
        return made


def _repeated(encoders: Sequence[AttributeEncoder], values: Sequence[Any]) -> NDArray[Any]:
    """Return each attribute's value once for each of its columns: (m,)."""
    return np.repeat(values, [encoder.width for encoder in encoders])
