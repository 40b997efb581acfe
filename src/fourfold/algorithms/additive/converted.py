"""Models of scikit-learn as columns of scores, computed by the ONNX file that they convert to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
from onnx import TensorProto, checker, helper, load_from_string, numpy_helper
from sklearn.base import is_classifier

from fourfold.frozen.onnx import session

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from fourfold.algorithms.additive.goal import Goal

    Floats = NDArray[np.float64]

__all__ = ["Converted", "convert"]

LEAST: Final = 1e-6
"""Least probability of a class before its logarithm is taken."""
OPSETS: Final = {"": 17, "ai.onnx.ml": 3}
"""Versions that are old enough for every runtime of the last years."""


def convert(estimator: Any, width: int) -> bytes:
    """Convert a fitted estimator, from features (B, width), to the content of an ONNX file.

    Raises
    ------
    Exception
        Whatever skl2onnx raises for an estimator that it does not know.
    """
    from skl2onnx import to_onnx  # takes a moment
    from skl2onnx.common.data_types import FloatTensorType

    options = {"zipmap": False} if is_classifier(estimator) else None
    rows = [("rows", FloatTensorType([None, width]))]
    found = to_onnx(estimator, initial_types=rows, options=options, target_opset=OPSETS)
    content: bytes = found.SerializeToString()
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
        graph, nodes, constants = inner.graph, [], list(inner.graph.initializer)

        def add(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
            nodes.append(helper.make_node(kind, inputs, [output], **attributes))
            return output

        def constant(name: str, value: Any) -> str:
            constants.append(numpy_helper.from_array(np.asarray(value), name))
            return name

        cut = [
            constant(n, np.array([v]))
            for n, v in zip(
                ("ff_first", "ff_last", "ff_axis"), (self.first, self.last, 1), strict=True
            )
        ]
        rows = add("Slice", ["input", *cut], "ff_rows")
        if self.flagged:
            size = add("Shape", ["input"], "ff_shape", end=1)
            both = add("Concat", [size, constant("ff_one", np.array([1]))], "ff_size", axis=0)
            ones = numpy_helper.from_array(np.ones(1, np.float32))
            flag = add("ConstantOfShape", [both], "ff_flag", value=ones)
            rows = add("Concat", [rows, flag], "ff_flagged", axis=1)
        add("Identity", [rows], graph.input[0].name)
        nodes.extend(graph.node)
        scores = self._logs(graph.output[-1].name, add, constant)
        scaled = add(
            "Mul", [scores, constant("ff_slopes", self.slopes.astype(np.float32))], "ff_scaled"
        )
        moved = add(
            "Add", [scaled, constant("ff_shifts", self.shifts.astype(np.float32))], "ff_moved"
        )
        halves = constant("ff_halves", np.array([[-0.5, 0.5]], np.float32))
        add(*(("Mul", [moved, halves]) if self.goal.two else ("Identity", [moved])), "output")
        k = self.goal.outputs
        given = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["rows", self.width])
        answer = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["rows", k])
        whole = helper.make_graph(nodes, "converted", [given], [answer], constants)
        model = helper.make_model(whole, opset_imports=inner.opset_import, ir_version=9)
        checker.check_model(model)
        written: bytes = model.SerializeToString()
        return written

    def _logs(self, answers: str, add: Any, constant: Any) -> str:
        """Add the scores of probabilities (B, k), or of a number (B, 1)."""
        if self.goal.kind == "numbers":
            shape = constant("ff_column", np.array([-1, 1]))
            return str(add("Reshape", [answers, shape], "ff_scores"))
        bounds = [
            constant(n, np.float32(v)) for n, v in (("ff_low", LEAST), ("ff_high", 1 - LEAST))
        ]
        logs = add("Log", [add("Clip", [answers, *bounds], "ff_p")], "ff_logs")
        if not self.goal.two:
            return str(logs)
        sides = constant("ff_sides", np.array([[-1.0], [1.0]], np.float32))
        return str(add("MatMul", [logs, sides], "ff_scores"))

    @cached_property
    def _session(self) -> InferenceSession:
        return session(self.onnx)
