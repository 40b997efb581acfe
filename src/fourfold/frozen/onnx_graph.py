"""ONNX graphs that are written node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["IR_VERSION", "VERSIONS", "OnnxGraph"]

IR_VERSION: Final = 9
VERSIONS: Final = {"": 17, "ai.onnx.ml": 3}
"""Versions of the operators that are old enough for every runtime of the last years."""


class OnnxGraph:
    """Nodes and constants of a graph to ``output``."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its output, which is a number if none is given."""
        name = output or f"/{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant."""
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def number(self, value: Any, kind: type[np.generic] = np.float64) -> str:
        """Add a constant without a name of its own, (n,) or a single number."""
        return self.constant(f"/c{len(self.constants)}", np.asarray(value, kind))

    def file(
        self,
        name: str,
        width: int,
        k: int,
        versions: Mapping[str, int] = VERSIONS,
        inputs: Mapping[str, int] | None = None,
    ) -> bytes:
        """Return the content of the file of a graph from (B, width) to (B, k).

        Or from several columns (B, 1) by name, of these types of ONNX.
        """
        given = [
            helper.make_tensor_value_info(column, kind, ["rows", 1])
            for column, kind in (inputs or {}).items()
        ] or [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["rows", width])]
        answers = [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["rows", k])]
        written: bytes = self.model(name, given, answers, versions).SerializeToString()
        return written

    def model(
        self,
        name: str,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        versions: Mapping[str, int] = VERSIONS,
    ) -> Any:
        """Return the checked model of a graph, from descriptions of its inputs and outputs."""
        whole = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        asked = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
        model = helper.make_model(whole, opset_imports=asked, ir_version=IR_VERSION)
        checker.check_model(model)
        return model
