"""Additive: scores b + x W + Σ trees, and how they are changed, joined and written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.algorithms.additive.graph import additive_onnx
from fourfold.algorithms.linear import Affine
from fourfold.frozen.onnx import session

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from fourfold.algorithms.additive.ensemble import Ensemble
    from fourfold.algorithms.additive.goal import Goal

    Floats = NDArray[np.float64]

__all__ = ["Additive"]


@final
@dataclass(frozen=True)
class Additive:
    """Columns of scores of features x: intercepts, a line on x[start:], and trees on x.

    Attributes
    ----------
    goal
        Kind of the labels, and number of the columns.
    line
        Weights (width − start, columns) and intercepts (columns,).
    width, start
        Number of features, and of the leading ones that the line leaves out.
    ensemble
        The trees; None for a line alone.
    """

    goal: Goal
    line: Affine
    width: int
    start: int = 0
    ensemble: Ensemble | None = None

    def scaled(self, slopes: Floats, shifts: Floats) -> Additive:
        """Return scores times slopes and moved by shifts, (columns,) both."""
        line = Affine(slopes * self.line.weight, slopes * self.line.bias + shifts)
        trees = None if self.ensemble is None else self.ensemble.scaled(slopes)
        return replace(self, line=line, ensemble=trees)

    def plus(self, other: Additive) -> Additive:
        """Return the sum of the scores of both."""
        line = Affine(self.line.weight + other.line.weight, self.line.bias + other.line.bias)
        parts = [one for one in (self.ensemble, other.ensemble) if one is not None]
        trees = parts[0].plus(parts[1]) if len(parts) == 2 else next(iter(parts), None)
        return replace(self, line=line, ensemble=trees)

    def scores(self, x: NDArray[Any]) -> Floats:
        """Return the columns of scores, (n, columns), of features (n, width)."""
        if self.ensemble is None:
            return np.asarray(x[:, self.start :] @ self.line.weight + self.line.bias, np.float64)
        (outputs,) = self._session.run(None, {"input": np.asarray(x, np.float32)})
        return self.goal.scores(outputs)

    @cached_property
    def onnx(self) -> bytes:
        """The model from features to outputs, as an ONNX file."""
        if self.ensemble is None:
            raise TypeError("a model without trees is a linear layer, and no file of its own")
        return additive_onnx(self.ensemble, self.line, self.start, self.width, halved=self.goal.two)

    @cached_property
    def _session(self) -> InferenceSession:
        return session(self.onnx)

    @property
    def linear(self) -> Affine:
        """Weights (width − start, outputs) and intercepts of outputs, of a line alone."""
        if not self.goal.two:
            return self.line
        half = np.array([[-0.5, 0.5]])
        return Affine(self.line.weight @ half, (self.line.bias * half)[0])
