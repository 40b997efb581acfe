"""Self-taught clustering written plainly with scipy.sparse, as its equations stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.intp]
    Numbers = NDArray[np.float64]

__all__ = ["aggregated", "cluster", "objective"]

TINY = 1e-300


def one_hot(labels: Labels, k: int) -> sparse.csr_array:
    """Write labels (n,) as (n, k)."""
    n = len(labels)
    return sparse.csr_array((np.ones(n), (np.arange(n), labels)), shape=(n, k))


def conditional(joint: Numbers) -> Numbers:
    """Return p(column | row)."""
    return joint / np.maximum(joint.sum(axis=1, keepdims=True), TINY)


def cluster(
    tables: list[sparse.csr_array],
    weights: list[float],
    rows: list[Labels],
    features: Labels,
    sizes: list[int],
    rounds: int,
) -> tuple[list[Labels], Labels]:
    """Update C_X, C_Y, then C_Z, each by its divergences to p̃ over all features, or all rows.

    Tables (n, m) are probabilities; rows and features say where to begin.
    """
    transposed = [table.T.tocsr() for table in tables]
    for _ in range(rounds):
        own = [
            nearest_rows(table, labels, features, k, sizes[-1])
            for table, labels, k in zip(tables, rows, sizes, strict=False)
        ]
        scores = sum(
            weight * feature_scores(table, turned, labels, features, k, sizes[-1])
            for table, turned, weight, labels, k in zip(
                tables, transposed, weights, own, sizes, strict=False
            )
        )
        moved = stay(np.asarray(scores), features)
        same = [np.array_equal(a, b) for a, b in zip(rows, own, strict=True)]
        if all(same) and np.array_equal(moved, features):
            break
        rows, features = own, moved
    return rows, features


def nearest_rows(
    table: sparse.csr_array, labels: Labels, features: Labels, k: int, width: int
) -> Labels:
    """Return argmin D(p(Z|x) ‖ p̃(Z|x̃)) for each row."""
    block = (one_hot(labels, k).T @ table @ one_hot(features, width)).toarray()
    mass = np.asarray(table.sum(axis=0)).ravel()
    inside = mass / np.maximum(block.sum(axis=0)[features], TINY)  # p(z)/p(z̃)
    approximated = conditional(block)[:, features] * inside  # p̃(z|x̃): (k, m)
    return stay(table @ np.log(np.maximum(approximated, TINY)).T, labels)


def feature_scores(
    table: sparse.csr_array,
    turned: sparse.csr_array,
    labels: Labels,
    features: Labels,
    k: int,
    width: int,
) -> Numbers:
    """Return −p(z) D(p(X|z) ‖ p̃(X|z̃)) for each feature and cluster, without the term of z alone."""
    block = (one_hot(labels, k).T @ table @ one_hot(features, width)).toarray()
    mass = np.asarray(table.sum(axis=1)).ravel()
    inside = mass / np.maximum(block.sum(axis=1)[labels], TINY)  # p(x)/p(x̃)
    approximated = conditional(block.T)[:, labels] * inside  # p̃(x|z̃): (l, n)
    scores: Numbers = turned @ np.log(np.maximum(approximated, TINY)).T
    return scores


def stay(scores: Numbers, labels: Labels) -> Labels:
    """Return the argmax of scores (n, k); ties stay."""
    at = np.arange(len(labels))
    best = scores.argmax(axis=1)
    better = scores[at, best] > scores[at, labels] + 1e-12 * np.abs(scores[at, labels])
    return np.where(better, best, labels)


def aggregated(
    tables: list[sparse.csr_array],
    weights: list[float],
    rows: list[Labels],
    features: Labels,
    sizes: list[int],
    rounds: int,
) -> tuple[list[Labels], Labels]:
    """Do the same from the sums of clusters, which are all that a step needs."""
    transposed = [table.T.tocsr() for table in tables]
    for _ in range(rounds):
        before = [*rows, features]
        clusters = one_hot(features, sizes[-1])
        moved = []
        for table, labels, k in zip(tables, rows, sizes, strict=False):
            held = (table @ clusters).toarray()
            block = np.asarray(one_hot(labels, k).T @ held)
            moved.append(stay(held @ np.log(np.maximum(conditional(block), TINY)).T, labels))
        rows, scores = moved, 0.0
        for turned, weight, labels, k in zip(transposed, weights, rows, sizes, strict=False):
            held = (turned @ one_hot(labels, k)).toarray()
            block = np.asarray(clusters.T @ held)
            scores = scores + weight * held @ np.log(np.maximum(conditional(block), TINY)).T
        features = stay(np.asarray(scores), features)
        if all(np.array_equal(a, b) for a, b in zip(before, [*rows, features], strict=True)):
            break
    return rows, features


def objective(
    tables: list[sparse.csr_array], weights: list[float], rows: list[Labels], features: Labels
) -> float:
    """Return Σ w [I(X;Z) − I(X̃;Z̃)] in nats."""
    total = 0.0
    for table, weight, labels in zip(tables, weights, rows, strict=True):
        whole = table.tocoo()
        outer = table.sum(axis=1)[whole.row] * table.sum(axis=0)[whole.col]
        all_ = (whole.data * np.log(whole.data / outer)).sum()
        k, width = labels.max() + 1, features.max() + 1
        block = (one_hot(labels, k).T @ table @ one_hot(features, width)).toarray()
        there = block > 0
        expected = np.outer(block.sum(axis=1), block.sum(axis=0))
        total += weight * (all_ - (block[there] * np.log(block[there] / expected[there])).sum())
    return float(total)
