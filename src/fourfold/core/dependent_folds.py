"""Folds of dependent rows: no group is divided, and judged rows come after training rows.

Groups are codes (n,), times moments (n,); either may be None.
"""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Positions: TypeAlias = NDArray[np.intp]
    Groups: TypeAlias = NDArray[np.intp]
    Times: TypeAlias = NDArray[np.float64]

__all__ = [
    "count_dependent_folds",
    "dependent_splits",
    "divide_by_classes",
    "hold_out_last",
    "merge_groups",
]


def merge_groups(one: Groups, other: Groups) -> Groups:
    """Return the finest groups, (n,), that are divided by neither of two groupings.

    Examples
    --------
    >>> merge_groups(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])).tolist()
    [0, 0, 0, 1]
    """
    _, a = np.unique(one, return_inverse=True)
    _, b = np.unique(other, return_inverse=True)
    n = len(a) and int(a.max()) + 1
    size = n + (len(b) and int(b.max()) + 1)
    ties = coo_array((np.ones(len(a)), (a, b + n)), (size, size))
    found: Groups = connected_components(ties, directed=False)[1][a]
    return found.astype(np.intp)


def count_dependent_folds(
    y: NDArray[Any], most: int, *, stratified: bool, groups: Groups | None, time: Times | None
) -> int:
    """Return the number of possible folds; 0 where nothing can be held out.

    With time alone a single cut is possible. A class whose rows are all of one group is learnt from
    in each fold and limits nothing; fewer than two classes that can be held out make no folds.
    """
    if groups is None:
        counts = range(most, 0, -1)
        return next((k for k in counts if len(_cuts(y, k, time, stratified=stratified)) == k), 0)
    rows = _judged(y, groups, *_pools(y, time, stratified=stratified), stratified=stratified)
    if stratified:
        pairs = np.unique(np.stack([_codes(y)[rows], groups[rows]]), axis=1)
        sizes = np.unique(pairs[0], return_counts=True)[1]
        fewest = min(sizes[sizes > 1], default=0) if len(sizes) > 1 else 0
    else:  # each fold has two rows
        sizes = np.unique(groups[rows], return_counts=True)[1]
        fewest = len(sizes) if min(sizes, default=0) > 1 else len(sizes) // 2
    return int(min(most, fewest)) if fewest > 1 else 0


def dependent_splits(
    y: NDArray[Any],
    folds: int,
    seed: int,
    *,
    stratified: bool,
    max_rows: int | None,
    groups: Groups | None,
    time: Times | None,
) -> list[tuple[Positions, Positions]]:
    """Return the positions of the training rows and of the held-out rows of each fold.

    Folds are parts of the groups. With times, each fold is a block of time, learnt from the blocks
    before; with both, parts of the groups are judged after a moment, and the other groups learnt
    before it. Training rows have each class that is there before that moment. Of more rows than
    ``max_rows`` so many are drawn, if these make as many folds.
    """
    if max_rows is not None and max_rows < len(y):
        rows = np.random.default_rng(seed).permutation(len(y))[:max_rows]
        given: dict[str, Any] = {
            "stratified": stratified,
            "groups": None if groups is None else groups[rows],
            "time": None if time is None else time[rows],
        }
        if count_dependent_folds(y[rows], folds, **given) == folds:
            splits = dependent_splits(y[rows], folds, seed, max_rows=None, **given)
            return [(rows[training], rows[held]) for training, held in splits]
    if groups is None:
        return _cuts(y, folds, time, stratified=stratified)
    groups = pd.factorize(groups)[0]  # by the first row of each: not by the order of their names
    early, late = _pools(y, time, stratified=stratified)
    rows = _judged(y, groups, early, late, stratified=stratified)
    _, own = np.unique(groups[rows], return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(own.max() + 1)[own]
    splitter = (StratifiedGroupKFold if stratified else GroupKFold)(folds)
    splits = []
    with warnings.catch_warnings():  # a class that is rare for the folds is learnt from in all
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        parts = list(
            splitter.split(np.zeros(len(rows)), _codes(y)[rows] if stratified else None, drawn)
        )
    for _, part in parts:
        held = np.unique(groups[rows[part]])
        if stratified:
            held = _leaving_classes(held, y[early], groups[early])
        training = early[~np.isin(groups[early], held)]
        splits.append((training, rows[np.isin(groups[rows], held)]))
    return splits


def _codes(y: NDArray[Any]) -> Positions:
    return np.unique(y, return_inverse=True)[1].astype(np.intp)


# --- time ----------------------------------------------------------------------------------------


def _cuts(
    y: NDArray[Any], folds: int, time: Times | None, *, stratified: bool
) -> list[tuple[Positions, Positions]]:
    """Cut rows in time: the first block is learnt from, each of the others judged in turn.

    The first block ends where all classes have occurred, if that is in the first half, else where
    two have. Rows of one moment stay together, so there may be fewer blocks than asked for.
    """
    if time is None or not len(y):
        return []
    order = np.argsort(time, kind="stable")
    moments, n, least = time[order], len(order), 2
    if stratified:
        known = np.sort(np.unique(y[order], return_index=True)[1]) + 1
        if len(known) < 2:
            return []
        least = int(known[-1] if known[-1] <= n // 2 else known[1])
    bounds = np.linspace(min(max(least, n // (folds + 1)), n), n, folds + 1).astype(int)
    ends = np.unique(np.searchsorted(moments, moments[bounds - 1], side="right"))
    fewest = 1 if stratified else 2
    pairs = pairwise(ends.tolist())
    return [(order[:a], order[a:b]) for a, b in pairs if b - a >= fewest]


def _pools(y: NDArray[Any], time: Times | None, *, stratified: bool) -> tuple[Positions, Positions]:
    """Return the rows to learn from and those to judge: with times, those before and after a cut.

    The cut is in the middle, or later where classes occur later; there are none where no cut is.
    """
    if time is None:
        return np.arange(len(y)), np.arange(len(y))
    cuts = _cuts(y, 1, time, stratified=stratified)
    return cuts[0] if cuts else (np.empty(0, np.intp), np.empty(0, np.intp))


# --- groups --------------------------------------------------------------------------------------


def _judged(
    y: NDArray[Any], groups: Groups, early: Positions, late: Positions, *, stratified: bool
) -> Positions:
    """Return the rows that may be held out: not those of a group that alone holds a class."""
    if not stratified:
        return late
    of_class = pd.Series(groups[early]).groupby(_codes(y[early])).agg(["nunique", "first"])
    alone = of_class["first"][of_class["nunique"] == 1]
    return late[~np.isin(groups[late], alone)]


def _leaving_classes(held: Groups, y: NDArray[Any], groups: Groups) -> Groups:
    """Take one group out of the held-out ones for each class that would not be learnt from.

    Some group is left to hold out where each class is of several groups.
    """
    for of_class in pd.Series(groups).groupby(_codes(y)).unique():
        if np.isin(of_class, held).all():
            held = held[held != of_class[0]]
    return held


def divide_by_classes(
    held: NDArray[np.bool_], y: NDArray[Any], groups: Groups | None
) -> tuple[Positions, Positions]:
    """Return the rows to learn from, and those to judge, where some classes are held out.

    Parameters
    ----------
    held
        (n,) whether a row's class is held out.
    y, groups
        (n,) classes and groups. Of groups with rows of both kinds every second one is judged, the
        others are learnt from; their rows of the other kind are left out. Where it can be, a group
        of each class that is not held out is learnt from.
    """
    if groups is None:
        return np.flatnonzero(~held), np.flatnonzero(held)
    groups = pd.factorize(groups)[0]
    mixed = np.intersect1d(groups[held], groups[~held])
    judged = _leaving_classes(mixed[::2], y[~held], groups[~held])
    if np.isin(groups[held], np.setdiff1d(mixed, judged)).all():  # nothing would be judged
        judged = mixed[::2]
    learnt = np.setdiff1d(mixed, judged)
    return (
        np.flatnonzero(~held & ~np.isin(groups, judged)),
        np.flatnonzero(held & ~np.isin(groups, learnt)),
    )


# --- validation ----------------------------------------------------------------------------------


def hold_out_last(
    order: Positions, held: int, *, groups: Groups | None, time: Times | None
) -> tuple[Positions, Positions]:
    """Divide rows into those to train on, and about ``held`` ones to validate on.

    Validated are the last rows, whole groups in the given order, or the last rows of such groups;
    no row is validated on where there is a single moment or group.

    Parameters
    ----------
    order
        (n,) all positions, in random order.
    """
    n = len(order)
    early = late = np.ones(n, bool)
    if time is not None:
        moments = np.unique(time)
        cut = np.sort(time)[n - held]
        late = time >= (cut if cut > moments[0] else moments[1:2].max(initial=cut))
        early = ~late
    if groups is not None:
        asked = order[late[order]]
        codes, names = pd.factorize(groups[asked])
        wanted = held if time is None else len(asked) * held / n
        counts = np.cumsum(np.bincount(codes))
        most = 1 + int(np.argmin(np.abs(counts - wanted)))
        left = (m for m in range(most, 0, -1) if not np.isin(groups[early], names[:m]).all())
        inside = np.isin(groups, names[: next(left, 0)])
        early, late = early & ~inside, late & inside
    if not (early.any() and late.any()):
        return order, order[:0]
    return order[early[order]], order[late[order]]
