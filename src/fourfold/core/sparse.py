"""Sparse codes of many rows at once: min ½‖x − aD‖² + λ‖a‖₁ over a, to a stated tolerance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple, final

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
SWEEPS: Final = 24
"""Sweeps over all atoms, before the supports that they have found are solved exactly."""
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
            self.steps[part] = (1.0001 * longest).reciprocal()

    def _parts(self) -> list[slice]:
        return [slice(at, at + GROUP) for at in range(0, len(self.atoms), GROUP)]

    def _groups(self) -> list[tuple[slice, float, float, Tensor]]:
        """Return each group's place, its step, the threshold of that, and its columns of G."""
        parts, steps = self._parts(), self.steps.tolist()
        return [(p, steps[p.start], self.penalty * steps[p.start], self.gram[:, p]) for p in parts]

    def forward(self, x: Tensor) -> Tensor:
        """Code rows (n, d) as (n, k)."""
        if torch.compiler.is_exporting():
            return self._exported(x)
        if len(x) <= ROWS:
            return self._settled(x, None)
        return self.codes(x)

    def codes(self, x: Tensor) -> Tensor:
        """Code rows (n, d) as (n, k), always so many at once, zeros at the end."""
        return self._each(x, None)

    def rough(self, x: Tensor, sweeps: int) -> Tensor:
        """Code rows (n, d) as (n, k) by so many sweeps, without asking how good they are."""
        return self._each(x, sweeps)

    def _each(self, x: Tensor, sweeps: int | None) -> Tensor:
        out = x.new_empty(len(x), len(self.atoms))

        def code(at: int) -> None:
            part = x[at : at + ROWS]
            full = F.pad(part, (0, 0, 0, ROWS - len(part)))
            out[at : at + ROWS] = self._settled(full, sweeps)[: len(part)]

        _side_by_side(code, range(0, len(x), ROWS))
        return out

    def _settled(self, x: Tensor, sweeps: int | None) -> Tensor:
        """Code few rows; with a number of sweeps, by these alone."""
        c = self.atoms[self.order] @ x.T  # (k, n)
        state = _start(c)
        if sweeps is not None:
            a = self._swept(state, sweeps).a
        else:
            a, left = self._swept(state, SWEEPS)[:2]
            todo = self._unfinished(a, c, left)
            for _ in range(TURNS):
                if not todo.any():
                    break
                a = self._solved(a, c, todo)
                todo = todo & self._unfinished(a, c, c - self.gram @ a)
                if todo.any():
                    swept = self._swept(_start(c, a, c - self.gram @ a), SWEEPS).a
                    a = torch.where(todo, swept, a)
        out = torch.empty_like(a).T
        out[:, self.order] = a.T
        return out.contiguous()

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
        for part, step, threshold, gram in self._groups():
            old = start[part]
            new = F.softshrink(torch.add(old, r[part], alpha=step), threshold)
            r.addmm_(gram, new - old, alpha=-1)
            a[part] = new
        if look:  # momentum that leads back starts anew
            against = torch.linalg.vecdot(start - a, a - a_before, dim=0) > 0
            t = torch.where(against, 1.0, t)
        following = (1 + (1 + 4 * t * t).sqrt()) / 2
        far = 1 + (t - 1) / following
        return _State(torch.lerp(a_before, a, far), torch.lerp(r_before, r, far), a, r, following)

    def _unfinished(self, a: Tensor, c: Tensor, r: Tensor) -> Tensor:
        """Tell which rows (n,) miss the optimality conditions."""
        allowed = self.tolerance * self.penalty + ROUNDING * c.abs().amax(0)
        return _missed(a, r, self.penalty).amax(0) > allowed

    def _solved(self, a: Tensor, c: Tensor, todo: Tensor) -> Tensor:
        """Change the supports of unfinished rows until the optimality conditions hold."""
        codes, wanted, todo = a.T.contiguous(), c.T.contiguous(), todo.clone()  # (n, k)
        signs = codes.sign()
        for _ in range(ROUNDS):
            rows = todo.nonzero()[:, 0]
            if not len(rows):
                break
            kept = torch.zeros_like(todo)  # whose signs came out as they were asked for
            size = -(-(signs[rows] != 0).sum(1) // PAD)
            for n in sorted(set(size.tolist())):
                few = rows[size == n]
                codes[few], kept[few] = self._step(
                    codes[few], wanted[few], signs[few], PAD * max(1, n)
                )
            rest = wanted - codes @ self.gram  # whole, so that a row's bits are its own
            signs = torch.where(todo[:, None], codes.sign(), signs)
            allowed = (1 + self.tolerance / 2) * self.penalty
            more = (rest.abs() > allowed) & (signs == 0) & (todo & kept)[:, None]
            signs = torch.where(more, rest.sign(), signs)
            todo &= ~kept | more.any(1)
        return codes.T.contiguous()

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
    return _missed(codes, (x - codes @ atoms) @ atoms.T, penalty).amax(1) / penalty


def _missed(a: Tensor, r: Tensor, penalty: float) -> Tensor:
    """Compare residual correlations with what they must be at the optimum."""
    return torch.where(a == 0, (r.abs() - penalty).clamp(min=0), (r - penalty * a.sign()).abs())


def _shrunk(x: Tensor, by: Tensor) -> Tensor:
    return x - x.clamp(-by, by)


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
    likeness = gram.double().square().fill_diagonal_(0).cpu()
    k = len(gram)
    groups: list[list[int]] = [[] for _ in range(-(-k // GROUP))]
    room = [GROUP] * (len(groups) - 1) + [k - GROUP * (len(groups) - 1)]
    cost = torch.zeros(len(groups), k, dtype=torch.float64)
    for j in torch.argsort(-likeness.sum(1), stable=True).tolist():
        open_ = [g for g, members in enumerate(groups) if len(members) < room[g]]
        best = min(open_, key=lambda g: (float(cost[g, j]), len(groups[g])))
        groups[best].append(j)
        cost[best] += likeness[j]
    return torch.tensor([j for members in groups for j in members])
