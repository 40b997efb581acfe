"""Bilinear maps xᵀ W s for a whole grid of penalties, from one decomposition of each side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fourfold.algorithms.linear import spectrum

if TYPE_CHECKING:
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
    def of(cls, X: Matrix, y: NDArray[np.int64], S: Matrix) -> Decomposed:
        """Decompose the sides, each about its mean."""
        mean, origin = X.mean(axis=0), S.mean(axis=0)
        X, S = X - mean, S - origin
        values, U = spectrum(X)
        class_values, V = spectrum(S)
        turned = S @ V  # (c, r)
        signed = 2 * turned[y] - turned.sum(axis=0)  # Y S V, (n, r): 1 of the own class, else -1
        return cls(mean, origin, values, U, class_values, V, U.T @ (X.T @ signed))

    def weight(self, gamma: float, lambda_: float) -> Matrix:
        """Return W (d, m)."""
        middle = self.between / np.outer(self.values + gamma, self.class_values + lambda_)
        found: Matrix = self.vectors @ middle @ self.class_vectors.T
        return found

    def rotated(self, X: Matrix, S: Matrix) -> Rotated:
        """Rotate rows (n, d) and classes (k, m) to where γ and λ are mere weights."""
        return Rotated((X - self.mean) @ self.vectors, (S - self.origin) @ self.class_vectors, self)


class Rotated(NamedTuple):
    """Rows (n, r) and classes (k, q) in the coordinates of the eigenvectors."""

    rows: Matrix
    classes: Matrix
    decomposed: Decomposed

    def scores(self, gamma: float, lambda_: float) -> Matrix:
        """Return xᵀ W s, (n, k)."""
        rows = self.rows / (self.decomposed.values + gamma)
        classes = self.classes / (self.decomposed.class_values + lambda_)
        found: Matrix = rows @ self.decomposed.between @ classes.T
        return found
