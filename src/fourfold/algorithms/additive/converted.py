"""Models of scikit-learn as columns of scores, computed by the ONNX file that they convert to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
from onnx import load_from_string, numpy_helper
from sklearn.base import is_classifier

from fourfold.algorithms.additive.graph import HALVES, Graph
from fourfold.algorithms.mixture import LEAST
from fourfold.frozen.onnx import session
from fourfold.frozen.onnx_graph import VERSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from fourfold.algorithms.additive.goal import Goal

    Floats = NDArray[np.float64]

__all__ = ["Converted", "convert"]

TRIED: Final = 64
"""Rows on which a converted estimator is tried."""
ALIKE: Final = 1e-3
"""Difference up to which two answers are the same, relative for large ones."""
MOST_ALIKE: Final = 0.95
"""Share of the answers that must be; a row may lie on a threshold of a tree."""


def convert(estimator: Any, x: NDArray[np.float32]) -> bytes:
    """Convert an estimator that was fitted to features x (n, d) to the content of an ONNX file.

    Raises
    ------
    ValueError
        If the file gives other answers to these than the estimator.
    Exception
        Whatever skl2onnx raises for an estimator that it does not know.
    """
    from skl2onnx import to_onnx  # takes a moment
    from skl2onnx.common.data_types import FloatTensorType

    options = {"zipmap": False} if is_classifier(estimator) else None
    rows = [("rows", FloatTensorType([None, x.shape[1]]))]
    found = to_onnx(estimator, initial_types=rows, options=options, target_opset=VERSIONS)
    content: bytes = found.SerializeToString()
    own, few = (estimator.predict_proba if options else estimator.predict), x[:TRIED]
    answers = session(content).run(None, {"rows": few})[-1]
    alike = np.isclose(answers.reshape(len(few), -1), own(few).reshape(len(few), -1), ALIKE, ALIKE)
    if alike.mean() < MOST_ALIKE:
        raise ValueError(f"only {alike.mean():.0%} of the converted answers are the same")
    return content


@final
@dataclass(frozen=True)
class Converted:
    """Columns of scores: log-odds or log-probabilities of classes, or a number.

    Attributes
    ----------
    goal
        Kind of the labels.
    content
        The estimator's ONNX file, from some of the features to probabilities or a number.
    width
        Number of all features.
    first, last
        Places of the features that it takes.
    flagged
        Whether a feature follows these that is 1 in all rows.
    slopes, shifts
        (columns,) of the scores.
    """

    goal: Goal
    content: bytes
    width: int
    first: int
    last: int
    flagged: bool
    slopes: Floats
    shifts: Floats
    start: int = 0

    def scaled(self, slopes: Floats, shifts: Floats) -> Converted:
        """Return scores times slopes and moved by shifts, (columns,) both."""
        return replace(self, slopes=slopes * self.slopes, shifts=slopes * self.shifts + shifts)

    def scores(self, x: NDArray[Any]) -> Floats:
        """Return the columns of scores, (n, columns), of features (n, width)."""
        (outputs,) = self._session.run(None, {"input": np.asarray(x, np.float32)})
        return self.goal.scores(outputs)

    @cached_property
    def onnx(self) -> bytes:
        """The model from all features to outputs, as an ONNX file."""
        inner = load_from_string(self.content)
        graph = Graph()
        graph.constants.extend(inner.graph.initializer)
        graph.add("Identity", [self._rows(graph)], inner.graph.input[0].name)
        graph.nodes.extend(inner.graph.node)
        scores = self._logs(graph, inner.graph.output[-1].name)
        slopes, shifts = (part.astype(np.float32) for part in (self.slopes, self.shifts))
        scaled = graph.add("Mul", [scores, graph.constant("ff_slopes", slopes)], "ff_scaled")
        moved = graph.add("Add", [scaled, graph.constant("ff_shifts", shifts)], "ff_moved")
        if self.goal.two:
            graph.add("Mul", [moved, graph.constant("ff_halves", HALVES)], "output")
        else:
            graph.add("Identity", [moved], "output")
        versions = {asked.domain: asked.version for asked in inner.opset_import}
        return graph.file("converted", self.width, self.goal.outputs, versions)

    def _rows(self, graph: Graph) -> str:
        """Add the features that the estimator takes."""
        bounds = {"ff_first": self.first, "ff_last": self.last, "ff_axis": 1}
        cut = [graph.constant(name, np.array([value])) for name, value in bounds.items()]
        rows = graph.add("Slice", ["input", *cut], "ff_rows")
        if not self.flagged:
            return rows
        size = graph.add("Shape", ["input"], "ff_shape", end=1)
        one = graph.constant("ff_one", np.array([1]))
        both = graph.add("Concat", [size, one], "ff_size", axis=0)
        ones = numpy_helper.from_array(np.ones(1, np.float32))
        flag = graph.add("ConstantOfShape", [both], "ff_flag", value=ones)
        return graph.add("Concat", [rows, flag], "ff_flagged", axis=1)

    def _logs(self, graph: Graph, answers: str) -> str:
        """Add the scores of probabilities (B, k), or of a number (B, 1)."""
        if self.goal.kind == "numbers":
            shape = graph.constant("ff_column", np.array([-1, 1]))
            return graph.add("Reshape", [answers, shape], "ff_scores")
        ends = {"ff_low": LEAST, "ff_high": 1 - LEAST}
        bounds = [graph.constant(name, np.array(end, np.float32)) for name, end in ends.items()]
        logs = graph.add("Log", [graph.add("Clip", [answers, *bounds], "ff_p")], "ff_logs")
        if not self.goal.two:
            return logs
        sides = graph.constant("ff_sides", np.array([[-1.0], [1.0]], np.float32))
        return graph.add("MatMul", [logs, sides], "ff_scores")

    @cached_property
    def _session(self) -> InferenceSession:
        return session(self.onnx)
