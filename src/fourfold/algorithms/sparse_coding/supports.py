"""Exact codes on their supports, which change until they are optimal: feature-sign search."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  its name in the field

__all__ = ["residual", "solve"]

FEW: Final = 64
"""Rows whose residual correlations are computed together."""
ROUNDS: Final = 12
"""Largest number of changes of a support."""
PAD: Final = 16
"""Sizes of supports are rounded up to a multiple of this."""
RIDGE: Final = 1e-6
"""On the diagonal of a support's Gram matrix, since two atoms may be equal."""


def residual(a: Tensor, c: Tensor, gram: Tensor) -> Tensor:
    """Return c − aG, (n, k), in blocks of one size, so that rows do not depend on each other."""
    full = F.pad(a, (0, 0, 0, -len(a) % FEW))
    return c - torch.cat([part @ gram for part in torch.split(full, FEW)])[: len(a)]


def solve(a: Tensor, c: Tensor, gram: Tensor, alpha: float, tolerance: float) -> Tensor:
    """Solve codes exactly on their supports, and change these until the codes are optimal.

    Parameters
    ----------
    a, c
        (n, k) codes to start from, and correlations xDᵀ.
    gram
        (k, k).
    alpha, tolerance
        λ, and the tolerance as a fraction of it.
    """
    out, signs = a.clone(), a.sign()
    todo = torch.arange(len(a))
    for _ in range(ROUNDS):
        now, wanted = out[todo], c[todo]
        kept = torch.empty(len(todo), dtype=torch.bool)  # rows whose signs did not change
        size = -(-(signs != 0).sum(1) // PAD)
        for n in sorted(set(size.tolist())):
            few = (size == n).nonzero()[:, 0]
            rows = (now[few], wanted[few], signs[few])
            now[few], kept[few] = _step(*rows, gram, alpha, PAD * max(1, n))
        out[todo] = now
        signs, rest = now.sign(), residual(now, wanted, gram)
        more = (rest.abs() > (1 + tolerance / 2) * alpha) & kept[:, None]
        more &= signs == 0
        signs += rest.sign() * more
        again = (~kept | more.any(1)).nonzero()[:, 0]
        if not len(again):
            break
        todo, signs = todo[again], signs[again]
    return out


def _step(
    codes: Tensor, wanted: Tensor, signs: Tensor, gram: Tensor, alpha: float, size: int
) -> tuple[Tensor, Tensor]:
    """Move codes to the minimum for given signs, or towards it; tell which reached it, (n,)."""
    atoms = _positions(signs != 0, size)  # (n, size), k beyond the support
    there = atoms < len(gram)
    s, c, now = (F.pad(values, (0, 1)).gather(1, atoms) for values in (signs, wanted, codes))
    padded = F.pad(gram, (0, 1, 0, 1))
    gram = padded[atoms[:, :, None], atoms[:, None, :]]
    gram.diagonal(dim1=1, dim2=2).add_(RIDGE + ~there)
    root, failed = torch.linalg.cholesky_ex(gram)
    best = torch.cholesky_solve((c - alpha * s)[:, :, None], root)[:, :, 0]
    best = torch.where((failed == 0)[:, None], best, now)
    wrong = (best * s <= 0) & there
    kept = ~wrong.any(1) & (failed == 0)

    def value(z: Tensor) -> Tensor:
        quadratic = ((gram @ z[:, :, None])[:, :, 0] - 2 * c) * z / 2
        return (quadratic + alpha * z.abs()).sum(1)

    crossing = torch.where(wrong, now / (now - best), 2.0).nan_to_num(nan=0.0)
    first = crossing.amin(1, keepdim=True)
    near = now + first.clamp(0, 1) * (best - now)
    near = torch.where(wrong & (crossing <= first), 0.0, near)
    clipped = torch.where(wrong, 0.0, best)
    partly = torch.where((value(clipped) < value(near))[:, None], clipped, near)
    values = torch.where(kept[:, None], best, partly)
    full = F.pad(torch.zeros_like(codes), (0, 1))
    full.scatter_(1, atoms, torch.where(there, values, 0.0))
    return full[:, :-1], kept


def _positions(on: Tensor, size: int) -> Tensor:
    """Return the positions at which each row (n, k) is true: (n, size), padded with k."""
    row, column = on.nonzero(as_tuple=True)
    place = on.cumsum(1)[row, column] - 1
    where = torch.full((len(on), size), on.shape[1])
    where[row, place] = column
    return where
