"""Shapley values of trees, exact, by their paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from fourfold.algorithms.additive.ensemble import LEAF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fourfold.algorithms.additive.ensemble import Ensemble

    Floats = NDArray[np.float64]

__all__ = ["expected", "shapley_values"]


@final
class _Split(NamedTuple):
    """A split above a leaf: the node, its feature, the side, and that side's share of the cover."""

    at: int
    feature: int
    left: bool
    share: float


@final
class _Leaf(NamedTuple):
    """A leaf: its value, and the splits above it."""

    value: float
    path: tuple[_Split, ...]


def shapley_values(ensemble: Ensemble, x: NDArray[Any], outputs: int) -> Floats:
    """Return the Shapley values (n, width, outputs) of the features of rows x, (n, width).

    A feature that is not known goes both ways at a split, by the covers of its sides. A leaf then
    has the value v ∏ᵢ (zᵢ if i is known else rᵢ), where zᵢ is 1 if the row agrees with the splits
    by feature i on the leaf's path, and rᵢ is the share of the cover that does. The Shapley value
    of i is v (zᵢ − rᵢ) ∫₀¹ ∏_{j≠i} ((1−t) rⱼ + t zⱼ) dt: a polynomial, integrated exactly.

    References
    ----------
    Lundberg, Erion & Lee, Consistent Individualized Feature Attribution for Tree Ensembles, 2018
    (TreeSHAP, path-dependent); Owen, Multilinear Extensions of Games, Management Science 1972.
    """
    found = np.zeros((*x.shape, outputs))
    for root, output in zip(ensemble.roots.tolist(), ensemble.outputs, strict=True):
        left: dict[int, NDArray[np.bool_]] = {}
        for leaf in _leaves(ensemble, root):
            features = list(dict.fromkeys(split.feature for split in leaf.path))
            agrees, share = np.ones((len(x), len(features)), bool), np.ones(len(features))
            for split in leaf.path:
                of = features.index(split.feature)
                if split.at not in left:
                    left[split.at] = _goes_left(ensemble, split.at, x)
                agrees[:, of] &= left[split.at] == split.left
                share[of] *= split.share
            found[:, features, output] += leaf.value * _game(agrees, share)
    return found


def expected(ensemble: Ensemble, outputs: int) -> Floats:
    """Return the mean of each output (outputs,), by the covers of the leaves."""
    means = np.zeros(outputs)
    for root, output in zip(ensemble.roots.tolist(), ensemble.outputs, strict=True):
        for leaf in _leaves(ensemble, root):
            means[output] += leaf.value * np.prod([split.share for split in leaf.path])
    return means


def _game(agrees: NDArray[np.bool_], share: Floats) -> Floats:
    """Return the Shapley values (n, d) of the game ∏ (zᵢ or rᵢ), for rows z (n, d) and r (d,)."""
    d = len(share)
    codes = agrees @ (1 << np.arange(d, dtype=np.int64))
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    z = agrees[first].astype(np.float64)  # the few kinds of rows
    at, weight = np.polynomial.legendre.leggauss(d // 2 + 1)
    at, weight = (at + 1) / 2, weight / 2
    factors = share[:, None] * (1 - at) + z[..., None] * at  # (kinds, d, points)
    others = factors.prod(axis=1, keepdims=True) / factors
    kinds: Floats = ((z - share) * (others @ weight))[place]
    return kinds


def _goes_left(ensemble: Ensemble, at: int, x: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether each row goes left at a split, (n,)."""
    cells = x[:, ensemble.feature[at]]
    left: NDArray[np.bool_] = cells <= ensemble.threshold[at]
    left[np.isnan(cells)] = ensemble.missing_left[at]
    if ensemble.chosen[at] >= 0:
        left = np.isin(np.floor(cells), ensemble.sets[ensemble.chosen[at]])
    return left


def _leaves(ensemble: Ensemble, root: int) -> Iterator[_Leaf]:
    """Yield the leaves below a root."""
    waiting: list[tuple[int, tuple[_Split, ...]]] = [(root, ())]
    while waiting:
        at, path = waiting.pop()
        feature = int(ensemble.feature[at])
        if feature == LEAF:
            yield _Leaf(float(ensemble.value[at]), path)
            continue
        children = int(ensemble.left[at]), int(ensemble.right[at])
        whole = ensemble.cover[list(children)].sum()
        for child, left in zip(children, (True, False), strict=True):
            share = float(ensemble.cover[child] / whole)
            waiting.append((child, (*path, _Split(at, feature, left, share))))
