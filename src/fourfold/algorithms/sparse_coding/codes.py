"""SparseCodes: sparse codes of many rows at once, to a stated tolerance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, final

import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan  # exported as a loop in ONNX
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.sparse_coding.solvers import (
    GROUP,
    Groups,
    grouped,
    residual,
    solve,
    start,
    step_sizes,
    sweep,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SparseCodes", "missed", "objective"]

ROWS: Final = 512
"""Rows that are coded together; few enough for the processor's cache."""
SWEEPS: Final = 20
"""Sweeps over all atoms, before supports are solved exactly."""
TURNS: Final = 30
"""Largest number of turns between exact solutions and sweeps."""
ROUNDING: Final = 4e-6
"""Rounding of a correlation in float32, as a fraction of the row's largest."""
EXPORTED_STEPS: Final = 1000
"""Steps in an exported file, which has no stopping rule."""


@final
class SparseCodes(nn.Module):
    """Code rows by the atoms of a dictionary: a = argmin ½‖x − aD‖² + λ‖a‖₁.

    Groups of nearly orthogonal atoms take proximal steps in turn, all rows at once, with momentum
    that restarts row by row; then each row's support is solved exactly by Cholesky and changed
    until the optimality conditions hold (feature-sign search, Lee et al. 2007). A row's code
    depends on the other rows only by rounding, and in blocks of one size not at all.

    Parameters
    ----------
    atoms
        (k, d), the dictionary D.
    alpha
        λ.
    tolerance
        Largest violation of the optimality conditions, as a fraction of λ: with residual
        correlations g = (x − aD)Dᵀ, g_j = λ sign(a_j) where a_j ≠ 0 and −λ ≤ g_j ≤ λ elsewhere.
        Rounding in float32, 4e-6 of the row's largest correlation, is added to it.

    Examples
    --------
    >>> coder = SparseCodes(torch.eye(2), alpha=0.5)  # orthogonal atoms: a soft threshold
    >>> coder(torch.tensor([[2.0, 0.25]]))
    tensor([[1.5000, 0.0000]])
    """

    atoms: Tensor
    order: Tensor
    gram: Tensor
    steps: Tensor
    longest: Tensor

    def __init__(self, atoms: Tensor, alpha: float, tolerance: float = 1e-3) -> None:
        super().__init__()
        self.alpha = alpha
        self.tolerance = tolerance
        k, d = atoms.shape
        self.register_buffer("atoms", torch.empty(k, d))
        self.register_buffer("order", torch.empty(k, dtype=torch.int64))
        self.register_buffer("gram", torch.empty(k, k))
        self.register_buffer("steps", torch.empty(k))
        self.register_buffer("longest", torch.ones(()))
        self.set_atoms(atoms)

    @torch.no_grad()
    def set_atoms(self, atoms: Tensor, *, regroup: bool = True) -> None:
        """Replace the atoms by others (k, d), in new groups or in those of the atoms before."""
        if atoms.is_meta:  # sizes alone are asked for
            return
        gram = atoms @ atoms.T
        order = grouped(gram) if regroup else self.order
        gram = gram[order][:, order]
        self.atoms.copy_(atoms)
        self.order.copy_(order)
        self.gram.copy_(gram)
        if regroup:
            self.longest.copy_(1.0001 * torch.linalg.eigvalsh(gram)[-1].clamp(min=1e-12))
        self.steps.copy_(step_sizes(gram))

    @property
    def _groups(self) -> Groups:
        steps = self.steps[::GROUP].tolist()
        return Groups(
            torch.split(self.gram, GROUP, 1), steps, [self.alpha * step for step in steps]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Code rows (n, d) as (n, k)."""
        if torch.compiler.is_exporting():
            return self._exported(x)
        if len(x) > ROWS:
            return self.codes(x)
        c = x @ self.atoms[self.order].T  # (n, k)
        a, unfinished = self._begin(c)
        rows = unfinished.nonzero()[:, 0]
        if len(rows):
            a[rows] = self._finish(a[rows], c[rows])
        return self._reordered(a)

    def codes(self, x: Tensor) -> Tensor:
        """Code rows (n, d) as (n, k), in blocks of one size, padded with zeros.

        Sweeps bring all rows near their codes; the rows that need more are then gathered.
        """
        a, c, unfinished = self._begin_all(x, SWEEPS)
        rows = unfinished.nonzero()[:, 0]

        def finish(at: int) -> None:
            part = rows[at : at + ROWS]
            a[part] = self._finish(a[part], c[part])

        _in_threads(finish, range(0, len(rows), ROWS))
        return self._reordered(a)

    def rough(self, x: Tensor, sweeps: int) -> Tensor:
        """Code rows (n, d) as (n, k) by a number of sweeps, to no stated tolerance."""
        return self._reordered(self._begin_all(x, sweeps)[0])

    def _begin_all(self, x: Tensor, sweeps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Sweep over all rows (n, d); return a, c (n, k) and which rows are unfinished (n,)."""
        a, c = x.new_empty(2, len(x), len(self.atoms))
        unfinished = torch.empty(len(x), dtype=torch.bool)
        atoms = self.atoms[self.order].T

        def begin(at: int) -> None:
            part = x[at : at + ROWS]
            here = slice(at, at + len(part))
            full = F.pad(part, (0, 0, 0, ROWS - len(part))) @ atoms
            begun, missed = self._begin(full, sweeps)
            c[here], a[here], unfinished[here] = (v[: len(part)] for v in (full, begun, missed))

        _in_threads(begin, range(0, len(x), ROWS))
        return a, c, unfinished

    def _reordered(self, a: Tensor) -> Tensor:
        out = torch.empty_like(a)
        out[:, self.order] = a
        return out

    def _begin(self, c: Tensor, sweeps: int = SWEEPS) -> tuple[Tensor, Tensor]:
        """Code at most ROWS rows by sweeps; tell which are unfinished (n,)."""
        a, r = sweep(start(c.T.contiguous()), self._groups, sweeps)[:2]
        return a.T.contiguous(), _unfinished(a.T, c, r.T, self.alpha, self.tolerance)

    def _finish(self, a: Tensor, c: Tensor) -> Tensor:
        """Alternate exact solutions and sweeps until at most ROWS rows (n, k) are finished."""
        rows = torch.arange(len(a))
        for _ in range(TURNS):
            a[rows] = solve(a[rows], c[rows], self.gram, self.alpha, self.tolerance)
            left = residual(a[rows], c[rows], self.gram)
            rows = rows[_unfinished(a[rows], c[rows], left, self.alpha, self.tolerance)]
            if not len(rows):
                break
            full = [F.pad(v[rows], (0, 0, 0, ROWS - len(rows))) for v in (a, c)]
            left = full[1] - full[0] @ self.gram
            state = start(full[1].T.contiguous(), full[0].T.contiguous(), left.T.contiguous())
            a[rows] = sweep(state, self._groups, SWEEPS).a.T[: len(rows)]
        return a

    def _exported(self, x: Tensor) -> Tensor:
        """Code rows by a fixed number of FISTA steps, for a file without conditions."""
        c = x @ self.atoms.T
        gram = self.atoms @ self.atoms.T
        step, threshold = self.longest.reciprocal(), self.alpha / self.longest

        def go(state: list[Tensor], t: Tensor) -> tuple[list[Tensor], Tensor]:
            a, ahead, c, gram, step, threshold = state
            moved = ahead + step * (c - ahead @ gram)
            new = moved.sign() * (moved.abs() - threshold).relu()
            # constants are part of the state: a loop in ONNX must not use values outside it
            same = [part.clone() for part in (c, gram, step, threshold)]
            return [new, new + t * (new - a), *same], t.clone()

        t = torch.arange(EXPORTED_STEPS, dtype=x.dtype)[:, None]
        initial = [torch.zeros_like(c), torch.zeros_like(c), c, gram, step, threshold]
        state, _ = scan(go, initial, t / (t + 3))
        codes: Tensor = state[0]
        return codes


def objective(x: Tensor, codes: Tensor, atoms: Tensor, alpha: float) -> Tensor:
    """Return ½‖x − aD‖² + λ‖a‖₁ of each row, (n,), for rows (n, d), codes (n, k), atoms (k, d)."""
    return (x - codes @ atoms).square().sum(1) / 2 + alpha * codes.abs().sum(1)


def missed(a: Tensor, r: Tensor, alpha: float) -> Tensor:
    """Return each row's largest violation of the optimality conditions, (n,).

    Of codes a and residual correlations r = (x − aD)Dᵀ, (n, k) both, and λ.
    """
    sign = a.sign()  # |r − λ sign| where a ≠ 0, else |r| − λ
    return ((r - alpha * sign).abs() + alpha * sign.abs()).amax(1).sub(alpha).clamp(min=0)


def _unfinished(a: Tensor, c: Tensor, r: Tensor, alpha: float, tolerance: float) -> Tensor:
    """Return a mask (n,) of rows that miss the optimality conditions beyond the tolerance."""
    return missed(a, r, alpha) > tolerance * alpha + ROUNDING * c.abs().amax(1)


def _in_threads(work: Callable[[int], None], items: Sequence[int]) -> None:
    """Work on items at once, each in a single thread, so that no sum depends on their number."""
    n = torch.get_num_threads()
    mode = torch.is_inference_mode_enabled()

    def alone(item: int) -> None:
        torch.set_num_threads(1)  # of this thread ...
        with torch.inference_mode(mode), torch.no_grad():
            work(item)

    try:
        with ThreadPoolExecutor(min(n, max(1, len(items)))) as pool:
            list(pool.map(alone, items))
    finally:
        torch.set_num_threads(n)  # ... but also the default of later ones
