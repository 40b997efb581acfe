"""How much a network's answers depend on what its layers compute: the Fisher of activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from fourfold.core.tasks import Task

__all__ = ["activation_fisher"]

CHUNK: Final = 100
"""Rows whose derivatives are held in memory at a time."""
DRAWS: Final = 4
"""Directions among the outputs that derivatives are taken in, where there are more outputs."""


def activation_fisher(
    run: Callable[[Tensor], tuple[Tensor, Sequence[Tensor]]], x: Tensor, task: Task
) -> list[float]:
    """Sum up, for each activation, the Fisher information of its normalized units.

    With a unit m divided by its standard deviation σ_m over the rows, F̂(m, m) is σ_m² times the
    average squared derivative of the log-likelihood by m, in expectation over the network's own
    answers. Where there are more than a few outputs, the expectation is taken in random
    directions, which is right on average.

    Parameters
    ----------
    run
        From rows (B, ...) to outputs (B, k) and activations (B, ...), of which each row depends on
        its own row alone.
    x
        (n, ...) rows, float32.
    task
        What the outputs mean.

    Returns
    -------
    list
        Σ_m F̂(m, m) of each activation; 0 where the outputs do not depend on it.

    References
    ----------
    Rusu et al., Progressive Neural Networks, 2016, section 3.
    """
    squares: list[Tensor] = []
    moments: list[tuple[Tensor, Tensor]] = []
    for part in x.split(CHUNK):  # type: ignore[no-untyped-call]  # torch's own
        x_ = part.detach().requires_grad_().clone()  # no leaf: a layer may work in place
        outputs, values = run(x_)
        found = _squared(task.fisher_roots(outputs), values)
        sums = [(v.detach().double().sum(0), v.detach().double().square().sum(0)) for v in values]
        squares = [a + b for a, b in zip(squares, found, strict=True)] if squares else found
        moments = (
            [(a + c, b + d) for (a, b), (c, d) in zip(moments, sums, strict=True)]
            if moments
            else sums
        )
    n = len(x)
    variances = [total / n - (mean / n).square() for mean, total in moments]
    return [
        float((square / n * variance.clamp(min=0)).sum())
        for square, variance in zip(squares, variances, strict=True)
    ]


def _squared(roots: Tensor, values: Sequence[Tensor]) -> list[Tensor]:
    """Sum squared derivatives over rows, by each unit: the shape of a row each."""
    k = roots.shape[1]
    directions = (
        torch.eye(k)[:, None].expand(k, *roots.shape)
        if k <= DRAWS
        else torch.randn(DRAWS, *roots.shape) / DRAWS**0.5
    )
    totals = [torch.zeros(value.shape[1:], dtype=torch.float64) for value in values]
    for direction in directions.to(roots):
        found = torch.autograd.grad(
            (roots * direction).sum(), list(values), retain_graph=True, allow_unused=True
        )
        for i, gradient in enumerate(found):
            if gradient is not None:
                totals[i] += gradient.double().square().sum(0)
    return totals
