"""Bilinear maps xᵀ W s for a whole grid of penalties, from one decomposition of each side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fourfold.algorithms.linear import spectrum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

__all__ = ["Decomposed"]


class Decomposed(NamedTuple):
    """Eigenvalues and eigenvectors of both sides, and Uᵀ XᵀY S V between them."""

    mean: Matrix
    origin: Matrix
    values: Matrix
    vectors: Matrix
    class_values: Matrix
    class_vectors: Matrix
    between: Matrix

    @classmethod
    def of(
        cls, X: Matrix, y: NDArray[np.int64], S: Matrix, weight: NDArray[np.float32]
    ) -> Decomposed:
        """Decompose the sides, each about its mean; rows of X and Y count by their weights (n,)."""
        mean, origin = np.average(X, axis=0, weights=weight), S.mean(axis=0)
        root = np.sqrt(weight.astype(np.float64))[:, None]
        X, S = root * (X - mean), S - origin
        values, U = spectrum(X)
        class_values, V = spectrum(S)
        turned = S @ V  # (c, r)
        signed = root * (2 * turned[y] - turned.sum(axis=0))  # Y S V, (n, r): ±1 of each class
        return cls(mean, origin, values, U, class_values, V, U.T @ (X.T @ signed))

    def weight(self, gamma: float, lambda_: float) -> Matrix:
        """Return W (d, m)."""
        middle = self.between / np.outer(self.values + gamma, self.class_values + lambda_)
        found: Matrix = self.vectors @ middle @ self.class_vectors.T
        return found

    def scores(self, X: Matrix, S: Matrix, grid: Iterable[tuple[float, float]]) -> Iterator[Matrix]:
        """Score rows (n, d) and classes (k, m) for each γ and λ: xᵀ W s, (n, k)."""
        rows, classes = (X - self.mean) @ self.vectors, (S - self.origin) @ self.class_vectors
        for gamma, lambda_ in grid:
            right = classes / (self.class_values + lambda_)
            yield rows / (self.values + gamma) @ self.between @ right.T
