"""Fisher information of a network's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from fourfold.frozen.blocks import as_tensor

if TYPE_CHECKING:
    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows

__all__ = ["fisher_diagonal"]

CHUNK_BYTES: Final = 1 << 28
"""Approximate memory for the derivatives of a chunk of rows."""


def fisher_diagonal(module: nn.Module, rows: Rows, task: Task) -> dict[str, Tensor]:
    """Compute the diagonal of the Fisher information, exactly: parameter name → its shape.

    The expectation of the squared score is over the module's predictions, not over labels: with
    J (k, w) the derivatives of its k outputs for a row, classes with probabilities p give
    Σ_c p_c (J_c − pᵀJ)², attributes Σ_m p_m (1 − p_m) J_m², numbers of unit variance Σ_m J_m².

    Parameters
    ----------
    module
        From (B, ...) to outputs (B, k), in evaluation mode.
    rows
        (n, ...) to average over.
    task
        Defines the likelihood of the outputs.

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
