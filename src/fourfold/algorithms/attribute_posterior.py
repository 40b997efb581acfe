"""What predicted attributes say of a class: p(a|x) / p(a), attribute by attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.algorithms.signatures import columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.signatures import Group

    Array = NDArray[np.float64]

__all__ = ["Posterior", "Prior"]

SURE: Final = 1e-6
"""No probability is nearer to 0 or 1."""


class Prior(NamedTuple):
    """How attributes are spread over the classes.

    Attributes
    ----------
    mean
        (m,) how often classes have a value; the mean of numbers.
    variance
        (m,) of numbers; 1 elsewhere.
    """

    mean: Array
    variance: Array

    @classmethod
    def of(cls, signatures: NDArray[np.float32], groups: Sequence[Group]) -> Prior:
        """Count over classes (c, m), NaN for a missing attribute; one more has them all alike."""
        S = signatures.astype(np.float64)
        there = ~np.isnan(S)
        n, total = there.sum(axis=0), np.where(there, S, 0.0).sum(axis=0)
        numbers = np.repeat([g.sort == "continuous" for g in groups], [g.width for g in groups])
        ways = np.repeat([max(g.width, 2) for g in groups], [g.width for g in groups])
        mean = np.where(numbers, total / np.maximum(n, 1), (total + 1 / ways) / (n + 1))
        square = np.where(there, (S - mean) ** 2, 0.0).sum(axis=0) / np.maximum(n, 1)
        return cls(mean, np.where(numbers & (square > SURE), square, 1.0))


@final
class Posterior(nn.Module):
    """From predicted attributes (B, m) to facets (B, F) whose product with a class's is its score.

    The score Σ log p(a_m|x) / p(a_m) is linear in what a class has: in the value for truth values
    and categories, in a and a² for numbers with a normal distribution. A missing attribute has
    facets of zero, p(a|x) / p(a) = 1.

    Parameters
    ----------
    groups
        The attributes, in the order of a signature's columns.

    Attributes
    ----------
    group_of
        (F,) which attribute a facet belongs to.
    parts
        Each attribute with its columns of the signature.
    """

    prior: Tensor
    spread: Tensor
    trust: Tensor
    noise: Tensor
    words: Tensor
    yes: Tensor
    numbers: Tensor

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()
        sorts = np.repeat([group.sort for group in groups], [group.width for group in groups])
        owner = np.repeat(np.arange(len(groups)), [group.width for group in groups])
        self.parts = columns_of(groups)
        chosen = {
            "words": np.flatnonzero(sorts != "continuous"),
            "yes": np.flatnonzero(sorts == "binary"),
            "numbers": np.flatnonzero(sorts == "continuous"),
        }
        for name, columns in chosen.items():
            self.register_buffer(name, torch.from_numpy(columns))
        numbers = chosen["numbers"]
        facets = [chosen["words"], chosen["yes"], numbers, numbers, numbers]
        self.group_of = owner[np.concatenate(facets)]
        self.register_buffer("prior", torch.full((len(sorts),), 0.5))
        for name in ("spread", "noise"):
            self.register_buffer(name, torch.ones(len(sorts)))
        self.register_buffer("trust", torch.ones(()))

    def believe(self, prior: Prior, trust: float, said: Array, true: Array, weight: Array) -> None:
        """Believe predictions as far as is said, and numbers as exactly as they then hold.

        Parameters
        ----------
        prior
            Of the attributes.
        trust
            t in t p(a|x) + (1 − t) p(a).
        said, true
            (n, m) what was predicted of rows, and what their classes have; NaN: not known.
        weight
            (n,) of the rows.
        """
        known = ~np.isnan(true) * weight[:, None]
        error = np.nan_to_num(true - trust * said - (1 - trust) * prior.mean)
        total = known.sum(axis=0)
        noise = (known * error**2).sum(axis=0) / np.where(total > 0, total, 1)
        noise = np.where(total > 0, noise, prior.variance)
        noise = noise.clip(SURE * prior.variance, prior.variance)  # no worse than no prediction
        self.prior.copy_(torch.from_numpy(prior.mean))
        self.spread.copy_(torch.from_numpy(prior.variance))
        self.noise.copy_(torch.from_numpy(noise))
        self.trust.fill_(trust)

    def mixed(self, said: Tensor) -> Tensor:
        """Return what is believed of predictions (B, m)."""
        return self.trust * said + (1 - self.trust) * self.prior

    def forward(self, said: Tensor) -> Tensor:
        p = self.mixed(said)
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

    def facets(self, signatures: Tensor) -> Tensor:
        """Return the facets (k, F) of signatures (k, m)."""
        there = (~signatures.isnan()).to(signatures.dtype)
        s = signatures.nan_to_num()
        numbers = s[:, self.numbers]
        no = there[:, self.yes] - s[:, self.yes]
        parts = [s[:, self.words], no, numbers, numbers.square(), there[:, self.numbers]]
        return torch.cat(parts, 1)

    def signatures(self, facets: Tensor) -> Array:
        """Return the signatures (k, m) of facets (k, F): what :meth:`facets` was given."""
        made = np.full((len(facets), len(self.prior)), np.nan)
        words, yes, numbers = (part.numpy() for part in (self.words, self.yes, self.numbers))
        rest = facets.double().numpy()
        made[:, words], rest = np.split(rest, [len(words)], axis=1)
        no, rest = np.split(rest, [len(yes)], axis=1)
        value, _, there = np.split(rest, 3, axis=1)
        made[:, numbers] = np.where(there > 0, value, np.nan)
        made[:, yes] = np.where(made[:, yes] + no > 0, made[:, yes], np.nan)
        for group, on in self.parts:
            if group.sort == "categorical":
                made[(made[:, on] == 0).all(axis=1), on] = np.nan
        return made
