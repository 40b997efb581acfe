"""Fisher information of a network's weights and of its activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from fourfold.frozen.blocks import as_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows

__all__ = ["activation_fisher", "fisher_diagonal"]

CHUNK_BYTES: Final = 1 << 28
"""Approximate memory for the derivatives of a chunk of rows."""
CHUNK_ROWS: Final = 100
"""Rows per chunk, whose derivatives are held in memory."""
DRAWS: Final = 4
"""Largest number of directions in output space that derivatives are taken in."""


def fisher_diagonal(module: nn.Module, rows: Rows, task: Task) -> dict[str, Tensor]:
    """Compute the diagonal of the Fisher information, exactly: parameter name → its shape.

    The expectation of the squared score is over the module's predictions, not over labels: with
    J (k, w) the derivatives of its k outputs for a row, classes with probabilities p give
    Σ_c p_c (J_c − pᵀJ)², attributes Σ_m p_m (1 − p_m) J_m², numbers of unit variance Σ_m J_m².

    The module maps (B, ...) to outputs (B, k), whose likelihood the task defines.

    References
    ----------
    Li, Grandvalet & Davoine, Explicit Inductive Bias for Transfer Learning with Convolutional
    Networks, ICML 2018 (L2-SP-Fisher). Martens, New Insights and Perspectives on the Natural
    Gradient Method, JMLR 2020.
    """
    module.eval()
    weights = {name: p.detach() for name, p in module.named_parameters()}
    device = next(iter(weights.values())).device

    def roots(some: dict[str, Tensor], x: Tensor) -> Tensor:
        return task.fisher_roots(functional_call(module, some, (x[None],)))[0]  # (k,)

    def of_row(x: Tensor) -> dict[str, Tensor]:
        return {name: j.square().sum(0) for name, j in jacrev(roots)(weights, x).items()}

    totals = {name: torch.zeros_like(w) for name, w in weights.items()}
    n_weights = sum(w.numel() for w in weights.values())
    chunk = max(1, CHUNK_BYTES // (8 * n_weights * task.n_outputs))
    for start in range(0, rows.n, chunk):
        x = as_tensor(rows.take(np.arange(start, min(start + chunk, rows.n)))).to(device)
        for name, each in vmap(of_row)(x).items():
            totals[name] += each.sum(0)
    return {name: total / rows.n for name, total in totals.items()}


def activation_fisher(
    run: Callable[[Tensor], tuple[Tensor, Sequence[Tensor]]], x: Tensor, task: Task
) -> list[float]:
    """Sum the Fisher information of the normalized units of each activation.

    With a unit m divided by its standard deviation σ_m over the rows, F̂(m, m) is σ_m² times the
    average squared derivative of the log-likelihood by m, in expectation over the network's
    predictions. With more than four outputs the expectation is estimated in random directions,
    without bias.

    Rows x (n, ...), float32, are run in chunks, to outputs (B, k), whose likelihood the task
    defines, and activations (B, ...), each row independent of the others.

    Returns
    -------
    list
        Σ_m F̂(m, m) of each activation; 0 where the outputs do not depend on it.

    References
    ----------
    Rusu et al., Progressive Neural Networks, 2016, section 3.
    """
    found: list[list[tuple[Tensor, Tensor, Tensor]]] = []  # of each chunk: of each activation
    for part in torch.split(x, CHUNK_ROWS):
        x_ = part.detach().requires_grad_().clone()  # not a leaf: layers may work in place
        outputs, values = run(x_)
        squares = _squared(task.fisher_roots(outputs), values)
        units = [value.detach().double() for value in values]
        sums = [(unit.sum(0), unit.square().sum(0)) for unit in units]
        found.append([(square, *two) for square, two in zip(squares, sums, strict=True)])
    n, informations = len(x), []
    for chunks in zip(*found, strict=True):
        square, total, power = (sum(parts[1:], parts[0]) for parts in zip(*chunks, strict=True))
        variance = power / n - (total / n).square()
        informations.append(float((square / n * variance.clamp(min=0)).sum()))
    return informations


def _squared(roots: Tensor, values: Sequence[Tensor]) -> list[Tensor]:
    """Sum squared derivatives over rows, for each unit of each activation."""
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
