"""Sparse codes of many rows at once: min ½‖x − aD‖² + λ‖a‖₁ over a, to a stated tolerance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan  # the one loop that becomes a loop in ONNX
from torch.nn import functional as F  # noqa: N812  its name in the field

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SparseCodes", "objective", "violation"]

GROUP: Final = 16
"""Atoms that take a step together; few enough that they are nearly orthogonal."""
ROWS: Final = 512
"""Rows that are coded together; few enough that they stay in the processor's cache."""
LOOK: Final = 4
"""Sweeps after which it is asked whether momentum still leads on."""
SWEEPS: Final = 20
"""Sweeps over all atoms, before the supports that they have found are solved exactly."""
FAR: Final = 1.3
"""Steps, over the inverse of a group's largest eigenvalue; beyond 2 they would not go down."""
FEW: Final = 64
"""Rows whose residual correlations are computed together while supports are solved."""
ROUNDS: Final = 12
"""Changes of the support that are tried before sweeping goes on."""
TURNS: Final = 30
"""Times that sweeps and solving take turns, at the most."""
EXPORTED_STEPS: Final = 1000
"""Steps in an exported file, which does not look whether a row is done."""
PAD: Final = 16
"""Supports are filled up to a multiple of this, so that how a row is solved depends on it alone."""
RIDGE: Final = 1e-6
"""On the diagonal of a support's Gram matrix: two atoms may be the same."""
ROUNDING: Final = 4e-6
"""What float32 leaves of a correlation, as a part of the row's largest."""


class _State(NamedTuple):
    """Codes a and what is left, r = c − Ga, (k, n) both; the same before; momentum's t (n,)."""

    a: Tensor
    r: Tensor
    a_before: Tensor
    r_before: Tensor
    t: Tensor


@final
class SparseCodes(nn.Module):
    """Code rows by the atoms of a dictionary: a = argmin ½‖x − aD‖² + λ‖a‖₁.

    Groups of nearly orthogonal atoms take proximal steps in turn, all rows at once, with momentum
    that restarts row by row; then each row's support is solved exactly by Cholesky and changed
    until the optimality conditions hold (feature-sign search, Lee et al. 2007). What a row gets
    depends on its neighbours in no way but through rounding, and in blocks of one size not at all.

    Parameters
    ----------
    atoms
        (k, d), the dictionary D.
    penalty
        λ.
    tolerance
        How far the optimality conditions may be missed, as a part of λ: with residual correlations
        g = (x − aD)Dᵀ, g_j = λ sign(a_j) where a_j ≠ 0 and −λ ≤ g_j ≤ λ elsewhere; what float32
        cannot tell apart, 4e-6 of the row's largest correlation, is let pass.

    Attributes
    ----------
    atoms
        (k, d).

    Examples
    --------
    >>> coder = SparseCodes(torch.eye(2), penalty=0.5)  # orthogonal atoms: a soft threshold
    >>> coder(torch.tensor([[2.0, 0.25]]))
    tensor([[1.5000, 0.0000]])
    """

    atoms: Tensor
    order: Tensor
    gram: Tensor
    steps: Tensor
    longest: Tensor

    def __init__(self, atoms: Tensor, penalty: float, tolerance: float = 1e-3) -> None:
        super().__init__()
        self.penalty = penalty
        self.tolerance = tolerance
        k, d = atoms.shape
        self.register_buffer("atoms", torch.empty(k, d))
        self.register_buffer("order", torch.empty(k, dtype=torch.int64))
        self.register_buffer("gram", torch.empty(k, k))
        self.register_buffer("steps", torch.empty(k))
        self.register_buffer("longest", torch.ones(()))
        self.take(atoms)

    @torch.no_grad()
    def take(self, atoms: Tensor, *, regroup: bool = True) -> None:
        """Take over other atoms (k, d), grouped anew, or as those before were."""
        gram = atoms @ atoms.T
        order = _spread(gram) if regroup else self.order
        gram = gram[order][:, order]
        self.atoms.copy_(atoms)
        self.order.copy_(order)
        self.gram.copy_(gram)
        if regroup:
            self.longest.copy_(1.0001 * torch.linalg.eigvalsh(gram)[-1].clamp(min=1e-12))
        for part in self._parts():
            longest = torch.linalg.eigvalsh(gram[part, part].double())[-1].clamp(min=1e-12)
            self.steps[part] = FAR / longest

    def _parts(self) -> list[slice]:
        return [slice(at, at + GROUP) for at in range(0, len(self.atoms), GROUP)]

    @property
    def _groups(self) -> tuple[Sequence[Tensor], list[float], list[float]]:
        """Return each group's columns of G, its step, and the threshold of that."""
        steps = self.steps[::GROUP].tolist()
        return torch.split(self.gram, GROUP, 1), steps, [self.penalty * step for step in steps]

    def forward(self, x: Tensor) -> Tensor:
        """Code rows (n, d) as (n, k)."""
        if torch.compiler.is_exporting():
            return self._exported(x)
        if len(x) > ROWS:
            return self.codes(x)
        c = x @ self.atoms[self.order].T  # (n, k)
        a, unfinished = self._begun(c)
        rows = unfinished.nonzero()[:, 0]
        if len(rows):
            a[rows] = self._ended(a[rows], c[rows])
        return self._reordered(a)

    def codes(self, x: Tensor) -> Tensor:
        """Code rows (n, d) as (n, k), always so many at once, zeros at the end.

        Sweeps bring all rows near; those that need more are then gathered.
        """
        a, c, unfinished = self._each(x, SWEEPS)
        rows = unfinished.nonzero()[:, 0]

        def end(at: int) -> None:
            part = rows[at : at + ROWS]
            a[part] = self._ended(a[part], c[part])

        _side_by_side(end, range(0, len(rows), ROWS))
        return self._reordered(a)

    def rough(self, x: Tensor, sweeps: int) -> Tensor:
        """Code rows (n, d) as (n, k) by so many sweeps, without asking how good they are."""
        return self._reordered(self._each(x, sweeps)[0])

    def _each(self, x: Tensor, sweeps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Begin all rows (n, d): a, c (n, k) and which are unfinished (n,)."""
        a, c = x.new_empty(2, len(x), len(self.atoms))
        unfinished = torch.empty(len(x), dtype=torch.bool)
        atoms = self.atoms[self.order].T

        def begin(at: int) -> None:
            part = x[at : at + ROWS]
            here = slice(at, at + len(part))
            full = F.pad(part, (0, 0, 0, ROWS - len(part))) @ atoms
            begun, missed = self._begun(full, sweeps)
            c[here], a[here], unfinished[here] = (v[: len(part)] for v in (full, begun, missed))

        _side_by_side(begin, range(0, len(x), ROWS))
        return a, c, unfinished

    def _reordered(self, a: Tensor) -> Tensor:
        out = torch.empty_like(a)
        out[:, self.order] = a
        return out

    def _begun(self, c: Tensor, sweeps: int = SWEEPS) -> tuple[Tensor, Tensor]:
        """Code few rows by sweeps; tell which (n,) miss the optimality conditions."""
        a, r = self._swept(_start(c.T.contiguous()), sweeps)[:2]
        return a.T.contiguous(), self._unfinished(a.T, c, r.T)

    def _ended(self, a: Tensor, c: Tensor) -> Tensor:
        """Let solving and sweeps take turns until rows (n, k), at most ROWS, are done."""
        rows = torch.arange(len(a))
        for _ in range(TURNS):
            a[rows] = self._solved(a[rows], c[rows])
            missed = self._unfinished(a[rows], c[rows], self._left(a[rows], c[rows]))
            rows = rows[missed]
            if not len(rows):
                break
            full = [F.pad(v[rows], (0, 0, 0, ROWS - len(rows))) for v in (a, c)]
            left = full[1] - full[0] @ self.gram
            state = _start(full[1].T.contiguous(), full[0].T.contiguous(), left.T.contiguous())
            a[rows] = self._swept(state, SWEEPS).a.T[: len(rows)]
        return a

    def _left(self, a: Tensor, c: Tensor) -> Tensor:
        """Return c − aG, always so many rows at once, so that a row's bits are its own."""
        full = F.pad(a, (0, 0, 0, -len(a) % FEW))
        return c - torch.cat([part @ self.gram for part in torch.split(full, FEW)])[: len(a)]

    def _exported(self, x: Tensor) -> Tensor:
        """Code rows as a loop without conditions: FISTA, whose one step is all that is written."""
        c = x @ self.atoms.T
        gram = self.atoms @ self.atoms.T
        step, threshold = self.longest.reciprocal(), self.penalty / self.longest

        def go(state: list[Tensor], t: Tensor) -> tuple[list[Tensor], Tensor]:
            a, ahead, c, gram, step, threshold = state
            moved = ahead + step * (c - ahead @ gram)
            new = moved.sign() * (moved.abs() - threshold).relu()
            # what stays the same is handed on: a loop in ONNX must not look out of itself
            same = [part.clone() for part in (c, gram, step, threshold)]
            return [new, new + t * (new - a), *same], t.clone()

        t = torch.arange(EXPORTED_STEPS, dtype=x.dtype)[:, None]
        start = [torch.zeros_like(c), torch.zeros_like(c), c, gram, step, threshold]
        state, _ = scan(go, start, t / (t + 3))
        codes: Tensor = state[0]
        return codes

    def _swept(self, state: _State, sweeps: int) -> _State:
        for i in range(1, sweeps + 1):
            state = self._sweep(state, look=i % LOOK == 0)
        return _State(state.a_before, state.r_before, *state[2:])  # without the last momentum

    def _sweep(self, state: _State, *, look: bool) -> _State:
        """Let each group of atoms take a step, then all go on a little the same way."""
        start, r, a_before, r_before, t = state
        a, r = torch.empty_like(start), r.clone()
        every = zip(*(torch.split(v, GROUP) for v in (start, r, a)), *self._groups, strict=True)
        for old, left, new, gram, step, threshold in every:
            torch.ops.aten.softshrink.out(torch.add(old, left, alpha=step), threshold, out=new)
            r.addmm_(gram, new - old, alpha=-1)
        if look:  # momentum that leads back starts anew
            against = torch.linalg.vecdot(start - a, a - a_before, dim=0) > 0
            t = torch.where(against, 1.0, t)
        following = (1 + (1 + 4 * t * t).sqrt()) / 2
        far = 1 + (t - 1) / following
        return _State(a_before.lerp_(a, far), r_before.lerp_(r, far), a, r, following)

    def _unfinished(self, a: Tensor, c: Tensor, r: Tensor) -> Tensor:
        """Tell which rows (n,) miss the optimality conditions."""
        allowed = self.tolerance * self.penalty + ROUNDING * c.abs().amax(1)
        return _missed(a, r, self.penalty) > allowed

    def _solved(self, a: Tensor, c: Tensor) -> Tensor:
        """Change supports of rows (n, k) until the optimality conditions hold, if they soon do."""
        out, signs = a.clone(), a.sign()
        todo = torch.arange(len(a))
        for _ in range(ROUNDS):
            now, wanted = out[todo], c[todo]
            kept = torch.empty(len(todo), dtype=torch.bool)  # whose signs came out as asked for
            size = -(-(signs != 0).sum(1) // PAD)
            for n in sorted(set(size.tolist())):
                few = (size == n).nonzero()[:, 0]
                now[few], kept[few] = self._step(now[few], wanted[few], signs[few], PAD * max(1, n))
            out[todo] = now
            signs, rest = now.sign(), self._left(now, wanted)
            more = (rest.abs() > (1 + self.tolerance / 2) * self.penalty) & kept[:, None]
            more &= signs == 0
            signs += rest.sign() * more
            again = (~kept | more.any(1)).nonzero()[:, 0]
            if not len(again):
                break
            todo, signs = todo[again], signs[again]
        return out

    def _step(
        self, codes: Tensor, wanted: Tensor, signs: Tensor, size: int
    ) -> tuple[Tensor, Tensor]:
        """Go to the minimum for given signs, or as far towards it as helps; tell where it is."""
        atoms = _positions(signs != 0, size)  # (n, size), k where there are no more
        there = atoms < len(self.gram)
        s, c, now = (F.pad(values, (0, 1)).gather(1, atoms) for values in (signs, wanted, codes))
        padded = F.pad(self.gram, (0, 1, 0, 1))
        gram = padded[atoms[:, :, None], atoms[:, None, :]]
        gram.diagonal(dim1=1, dim2=2).add_(RIDGE + ~there)
        root, failed = torch.linalg.cholesky_ex(gram)
        best = torch.cholesky_solve((c - self.penalty * s)[:, :, None], root)[:, :, 0]
        best = torch.where((failed == 0)[:, None], best, now)
        wrong = (best * s <= 0) & there
        kept = ~wrong.any(1) & (failed == 0)

        def value(z: Tensor) -> Tensor:
            quadratic = ((gram @ z[:, :, None])[:, :, 0] - 2 * c) * z / 2
            return (quadratic + self.penalty * z.abs()).sum(1)

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


def objective(x: Tensor, codes: Tensor, atoms: Tensor, penalty: float) -> Tensor:
    """Return ½‖x − aD‖² + λ‖a‖₁ of each row, (n,), for rows (n, d), codes (n, k), atoms (k, d)."""
    return (x - codes @ atoms).square().sum(1) / 2 + penalty * codes.abs().sum(1)


def violation(x: Tensor, codes: Tensor, atoms: Tensor, penalty: float) -> Tensor:
    """Return by how much each row's codes miss the optimality conditions at most, (n,), over λ."""
    return _missed(codes, (x - codes @ atoms) @ atoms.T, penalty) / penalty


def _missed(a: Tensor, r: Tensor, penalty: float) -> Tensor:
    """Compare residual correlations with what they must be at the optimum: (n,)."""
    sign = a.sign()  # |r − λ sign| where there is one, else |r| − λ
    return ((r - penalty * sign).abs() + penalty * sign.abs()).amax(1).sub(penalty).clamp(min=0)


def _start(c: Tensor, a: Tensor | None = None, r: Tensor | None = None) -> _State:
    a = torch.zeros_like(c) if a is None else a
    r = c if r is None else r
    return _State(a.clone(), r.clone(), a.clone(), r.clone(), torch.ones_like(c[0]))


def _side_by_side(work: Callable[[int], None], items: Sequence[int]) -> None:
    """Do pieces of work at once, each in one thread, so that their number changes no sum."""
    n = torch.get_num_threads()
    mode = torch.is_inference_mode_enabled()

    def alone(item: int) -> None:
        torch.set_num_threads(1)  # this thread's own number ...
        with torch.inference_mode(mode), torch.no_grad():
            work(item)

    try:
        with ThreadPoolExecutor(min(n, max(1, len(items)))) as pool:
            list(pool.map(alone, items))
    finally:
        torch.set_num_threads(n)  # ... but what later threads start with, too


def _positions(on: Tensor, size: int) -> Tensor:
    """Return where each row (n, k) is on: (n, size), filled up with k."""
    row, column = on.nonzero(as_tuple=True)
    place = on.cumsum(1)[row, column] - 1
    where = torch.full((len(on), size), on.shape[1])
    where[row, place] = column
    return where


def _spread(gram: Tensor) -> Tensor:
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
