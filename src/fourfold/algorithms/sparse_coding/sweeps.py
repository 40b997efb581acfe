"""Sweeps of proximal steps over groups of atoms, for many rows at once, with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GROUP", "Groups", "State", "grouped", "start", "step_sizes", "sweep"]

GROUP: Final = 16
"""Atoms in a group; they take a step together, since they are nearly orthogonal."""
RESTART: Final = 4
"""Sweeps between two checks of the momentum."""
FAR: Final = 1.3
"""Step over the inverse of a group's largest eigenvalue; from 2 on it would diverge."""


class State(NamedTuple):
    """Codes a and r = c − Ga, (k, n) both, now and one sweep before; the momentum's t (n,)."""

    a: Tensor
    r: Tensor
    a_before: Tensor
    r_before: Tensor
    t: Tensor


class Groups(NamedTuple):
    """The groups of atoms.

    Attributes
    ----------
    gram
        Each group's columns of G, (k, GROUP).
    steps, thresholds
        Each group's step, and its soft threshold: step · λ.
    """

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
