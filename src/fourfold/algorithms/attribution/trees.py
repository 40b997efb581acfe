"""Shapley values of trees, exact, by their paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fourfold.algorithms.additive.ensemble import Ensemble, Node

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
    for tree, output in zip(ensemble.trees, ensemble.outputs, strict=True):
        left = _goes_left(tree, x)
        for leaf in _leaves(tree):
            features = list(dict.fromkeys(split.feature for split in leaf.path))
            agrees, share = np.ones((len(x), len(features)), bool), np.ones(len(features))
            for split in leaf.path:
                of = features.index(split.feature)
                agrees[:, of] &= left[:, split.at] == split.left
                share[of] *= split.share
            found[:, features, output] += leaf.value * _game(agrees, share)
    return found


def expected(ensemble: Ensemble, outputs: int) -> Floats:
    """Return the mean of each output (outputs,), by the covers of the leaves."""
    means = np.zeros(outputs)
    for tree, output in zip(ensemble.trees, ensemble.outputs, strict=True):
        for leaf in _leaves(tree):
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


def _goes_left(tree: tuple[Node, ...], x: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether each row goes left at each node, (n, nodes)."""
    left = np.zeros((len(x), len(tree)), bool)
    for at, node in enumerate(tree):
        if node.feature is None:
            continue
        cells = x[:, node.feature]
        if node.categories:
            left[:, at] = np.isin(np.floor(cells), node.categories)
        else:
            left[:, at] = np.where(np.isnan(cells), node.missing_left, cells <= node.threshold)
    return left


def _leaves(tree: tuple[Node, ...]) -> Iterator[_Leaf]:
    """Yield the leaves below the root."""
    waiting: list[tuple[int, tuple[_Split, ...]]] = [(0, ())]
    while waiting:
        at, path = waiting.pop()
        node = tree[at]
        if node.feature is None:
            yield _Leaf(node.value, path)
            continue
        whole = tree[node.left].cover + tree[node.right].cover
        for child, left in ((node.left, True), (node.right, False)):
            split = _Split(at, node.feature, left, tree[child].cover / whole)
            waiting.append((child, (*path, split)))
