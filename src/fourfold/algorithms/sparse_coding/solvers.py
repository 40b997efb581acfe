"""Solvers of sparse codes for many rows at once: proximal sweeps, and exact codes on supports.

Sweeps go over groups of atoms, with momentum; supports change until the codes on them are optimal
(feature-sign search).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  its name in the field

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GROUP", "Groups", "grouped", "residual", "solve", "start", "step_sizes", "sweep"]

GROUP: Final = 16
"""Atoms in a group; they take a step together, since they are nearly orthogonal."""
RESTART: Final = 4
"""Sweeps between two checks of the momentum."""
FAR: Final = 1.3
"""Step over the inverse of a group's largest eigenvalue; from 2 on it would diverge."""
FEW: Final = 64
"""Rows whose residual correlations are computed together."""
ROUNDS: Final = 12
"""Largest number of changes of a support."""
PAD: Final = 16
"""Sizes of supports are rounded up to a multiple of this."""
RIDGE: Final = 1e-6
"""On the diagonal of a support's Gram matrix, since two atoms may be equal."""


class State(NamedTuple):
    """Codes a and r = c − Ga, (k, n) both, now and one sweep before; the momentum's t (n,)."""

    a: Tensor
    r: Tensor
    a_before: Tensor
    r_before: Tensor
    t: Tensor


class Groups(NamedTuple):
    """Each group's columns of G, (k, GROUP), its step, and its soft threshold: step · λ."""

    gram: Sequence[Tensor]
    steps: Sequence[float]
    thresholds: Sequence[float]


def start(c: Tensor, a: Tensor | None = None, r: Tensor | None = None) -> State:
    """Return the state without momentum at codes a, with r = c − Ga, by default at zero."""
    a = torch.zeros_like(c) if a is None else a
    r = c if r is None else r
    return State(a.clone(), r.clone(), a.clone(), r.clone(), torch.ones_like(c[0]))


def sweep(state: State, groups: Groups, times: int) -> State:
    """Sweep several times over all atoms; return the state without the last momentum."""
    for i in range(1, times + 1):
        state = _sweep(state, groups, restart=i % RESTART == 0)
    return State(state.a_before, state.r_before, *state[2:])


def _sweep(state: State, groups: Groups, *, restart: bool) -> State:
    """Take a proximal step with each group in turn, then extrapolate."""
    begin, r, a_before, r_before, t = state
    a, r = torch.empty_like(begin), r.clone()
    every = zip(*(torch.split(v, GROUP) for v in (begin, r, a)), *groups, strict=True)
    for old, left, new, gram, step, threshold in every:
        torch.ops.aten.softshrink.out(torch.add(old, left, alpha=step), threshold, out=new)
        r.addmm_(gram, new - old, alpha=-1)
    if restart:  # rows whose momentum points back
        against = torch.linalg.vecdot(begin - a, a - a_before, dim=0) > 0
        t = torch.where(against, 1.0, t)
    following = (1 + (1 + 4 * t * t).sqrt()) / 2
    far = 1 + (t - 1) / following
    return State(a_before.lerp_(a, far), r_before.lerp_(r, far), a, r, following)


def step_sizes(gram: Tensor) -> Tensor:
    """Return the step of each atom's group, (k,), for atoms in groups as they stand in G (k, k)."""
    steps = torch.empty(len(gram))
    for at in range(0, len(gram), GROUP):
        part = slice(at, at + GROUP)
        longest = torch.linalg.eigvalsh(gram[part, part].double())[-1].clamp(min=1e-12)
        steps[part] = FAR / longest
    return steps


def grouped(gram: Tensor) -> Tensor:
    """Order atoms so that those of a group are nearly orthogonal: (k,)."""
    likeness = gram.double().square().fill_diagonal_(0).cpu().numpy()
    k = len(likeness)
    groups: list[list[int]] = [[] for _ in range(-(-k // GROUP))]
    cost, sizes = np.zeros((len(groups), k)), np.zeros(len(groups))
    for j in np.argsort(-likeness.sum(1), kind="stable").tolist():
        best = int(np.lexsort((sizes, cost[:, j]))[0])
        groups[best].append(j)
        sizes[best] += 1
        cost[best] += likeness[j]
        if sizes[best] == min(GROUP, k - GROUP * best):
            cost[best] = np.inf  # it is full
    return torch.tensor([j for members in groups for j in members])


def residual(a: Tensor, c: Tensor, gram: Tensor) -> Tensor:
    """Return c − aG, (n, k), in blocks of one size, so that rows do not depend on each other."""
    full = F.pad(a, (0, 0, 0, -len(a) % FEW))
    return c - torch.cat([part @ gram for part in torch.split(full, FEW)])[: len(a)]


def solve(a: Tensor, c: Tensor, gram: Tensor, alpha: float, tolerance: float) -> Tensor:
    """Solve codes exactly on their supports, and change these until the codes are optimal.

    From codes a and correlations c = xDᵀ, (n, k) both; the tolerance is a fraction of λ.
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
