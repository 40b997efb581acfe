"""Contrastive fine-tuning: few labels become many pairs of rows, alike or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, final

import torch
from torch.nn.functional import mse_loss, normalize

from fourfold.methods.finetuning._rates import falling_rates
from fourfold.methods.kit import (
    USUAL,
    Batch,
    Fitted,
    Fraction,
    Needs,
    Phase,
    PositiveInt,
    Problem,
    Recipe,
    TrainsNetwork,
    fit_head,
    hold_out,
    minimize,
    validation,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

__all__ = ["Contrastive"]


@final
class Contrastive(TrainsNetwork):
    """Train a network on pairs of few labelled rows, then a linear model on its features.

    The cosine of two rows' features shall be 1 where their labels are equal, and 0 otherwise. Of n
    labels there are n² pairs, half of which are drawn to be equal; the head is a logistic
    regression on the features that come out. It is made for a pretrained network of texts with
    about 8 to 64 labels a class.

    Parameters
    ----------
    n_pairs
        Most pairs for each labelled row that are trained on.
    decay
        Learning rate of each stage as a share of the one above it, as in :class:`FineTune`.

    References
    ----------
    Tunstall et al., Efficient Few-Shot Learning Without Prompts, 2022 (SetFit).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = Contrastive().fit(X[::10] + 0.1, y[::10], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    n_pairs: PositiveInt = 20
    decay: Fraction = 0.8

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, classes=True, network=True, costly=True, pretrained=True
    )
    default_recipe: ClassVar[Recipe] = USUAL

    def _learn(self, problem: Problem) -> Fitted:
        known, held = hold_out(problem.target.known(), problem.recipe)
        model = problem.model(problem.frozen_body)
        size = max(2, problem.recipe.batch_size // 2)

        def loss(_t: float, batch: Batch) -> Tensor:
            one, other = normalize(model.body(batch.x)).chunk(2)  # (B/2, d) each
            first, second = batch.y.chunk(2)
            return mse_loss((one * other).sum(1), (first == second).float())

        def every_pair(batch: Batch) -> Tensor:
            features = normalize(model.body(batch.x))  # (B, d)
            return mse_loss(features @ features.T, (batch.y[:, None] == batch.y).float())

        def pairs(generator: torch.Generator, _size: int) -> Iterator[Tensor]:
            while True:
                yield _pairs(known.y, size, generator)

        table = replace(known.table(), sampler=pairs)
        most = -(-self.n_pairs * len(known.y) // size)
        longest = problem.recipe.steps or problem.recipe.max_steps or most
        recipe = problem.recipe.but(steps=min(most, longest))
        phase = Phase(loss, falling_rates(model, self.decay)[1:])
        validate = validation(model.body, every_pair, held)
        history = minimize(model.body, phase, table, recipe=recipe, validate=validate)
        fit_head(model, problem.task, problem.target.known(), None, keep_features=False)
        return Fitted(model, history)


def _pairs(y: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Draw n pairs of rows, (2n,): about half of them of one class."""
    first = torch.randint(len(y), (n,), generator=generator)
    keys = torch.rand(n, len(y), generator=generator)
    alike = y[first, None] == y[None]
    wanted = torch.rand(n, generator=generator) < 0.5
    keys = torch.where(alike == wanted[:, None], keys, keys - 1)
    keys[torch.arange(n), first] -= 1  # not with itself, where there is another one
    return torch.cat([first, keys.argmax(1)])
