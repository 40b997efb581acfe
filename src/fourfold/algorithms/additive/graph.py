"""Additive models, an intercept, a line and trees, as ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnx import TensorProto, helper

from fourfold.frozen.onnx_graph import OnnxGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.additive.ensemble import Ensemble, Node
    from fourfold.algorithms.linear import Affine

__all__ = ["HALVES", "LEAVES", "NAME", "NODES", "Graph", "additive_onnx"]

NAME: Final = "additive"
"""Name of these graphs."""

HALVES: Final = np.array([[-0.5, 0.5]], np.float32)
"""Shares of the log-odds of two classes that their outputs get."""
NODES: Final = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_values",
    "nodes_modes",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_missing_value_tracks_true",
    "nodes_hitrates",
)
"""Lists of the operator with an entry for each node."""
LEAVES: Final = ("target_treeids", "target_nodeids", "target_ids", "target_weights")
"""Lists with an entry for each leaf."""


def additive_onnx(
    ensemble: Ensemble, line: Affine, start: int, width: int, *, halved: bool
) -> bytes:
    """Return the model b + x[start:] W + Σ trees of x, from (B, width) to (B, k), as one file.

    Splits by categories first become features, 1 for those that go left. The single column of two
    classes is ``halved`` into an output of each, −½ and ½ of it.
    """
    sets = sorted({(n.feature or 0, n.categories) for t in ensemble.trees for n in t if _asks(n)})
    graph = Graph()
    x = graph.sets("input", sets) if sets else "input"
    places = {key: width + i for i, key in enumerate(sets)}
    graph.trees(x, ensemble, places, line.bias)
    outputs = graph.line(line.weight, start) if line.weight.any() else ["trees"]
    halves = [graph.constant("halves", HALVES)] if halved else []
    graph.add("Sum", outputs, "scores" if halved else "output")
    if halved:
        graph.add("Mul", ["scores", *halves], "output")
    return graph.file(NAME, width, 2 if halved else len(line.bias))


def _asks(node: Node) -> bool:
    return node.feature is not None and len(node.categories) > 0


class Graph(OnnxGraph):
    """Nodes and constants of a graph from ``input`` to ``output``, of lines and trees."""

    def sets(self, x: str, sets: Sequence[tuple[int, tuple[int, ...]]]) -> str:
        """Put a feature for each set of categories behind x: whether the cell is one of it."""
        most = max(max(of) for _, of in sets)
        table = np.zeros((len(sets), most + 2), np.float32)  # the last column is for others
        for row, (_, of) in zip(table, sets, strict=True):
            row[list(of)] = 1
        features = np.array([feature for feature, _ in sets], np.int64)
        cells = self.add("Gather", [x, self.constant("asked", features)], "cells", axis=1)
        zero, top = (
            self.constant(n, np.array(v, np.float32)) for n, v in (("zero", 0), ("top", most))
        )
        other = self.constant("other", np.array(most + 1, np.float32))
        low = self.add("GreaterOrEqual", [cells, zero], "low")
        high = self.add("LessOrEqual", [cells, top], "high")
        known = self.add("And", [low, high], "known")  # false for NaN, too
        codes = self.add("Where", [known, cells, other], "codes_float")
        codes = self.add("Cast", [codes], "codes", to=TensorProto.INT64)
        first = np.arange(len(sets), dtype=np.int64) * table.shape[1]
        at = self.add("Add", [codes, self.constant("first", first)], "at")
        inside = self.add("Gather", [self.constant("table", table.ravel()), at], "inside")
        return self.add("Concat", [x, inside], "with_sets", axis=1)

    def trees(self, x: str, ensemble: Ensemble, places: Any, bias: NDArray[np.float64]) -> None:
        """Add the trees' sum and the intercepts."""
        columns: dict[str, Any] = {name: [] for name in NODES}
        leaves: dict[str, Any] = {name: [] for name in LEAVES}
        for number, (tree, output) in enumerate(zip(ensemble.trees, ensemble.outputs, strict=True)):
            for place, node in enumerate(tree):
                for name, value in zip(NODES, _row(number, place, node, places), strict=True):
                    columns[name].append(value)
                if node.feature is None:
                    values = (number, place, output, node.value)
                    for name, value in zip(LEAVES, values, strict=True):
                        leaves[name].append(value)
        self.nodes.append(
            helper.make_node(
                "TreeEnsembleRegressor", [x], ["trees"], domain="ai.onnx.ml",
                n_targets=len(bias), base_values=bias.astype(float).tolist(), **columns, **leaves,
            )
        )  # fmt: skip

    def line(self, weight: NDArray[np.float64], start: int) -> list[str]:
        """Add x[start:] W, and return the names of the parts of the output."""
        bounds = [np.array([value], np.int64) for value in (start, start + len(weight), 1)]
        names = [self.constant(n, v) for n, v in zip(("from", "to", "axis"), bounds, strict=True)]
        features = self.add("Slice", ["input", *names], "features")
        product = [features, self.constant("weight", weight.astype(np.float32))]
        return ["trees", self.add("MatMul", product, "line")]


def _row(number: int, place: int, node: Node, places: Any) -> tuple[Any, ...]:
    """Return a node as the operator lists it."""
    if node.feature is None:
        return number, place, 0, 0.0, "LEAF", 0, 0, 0, node.cover
    if not node.categories:
        sides = (node.left, node.right, int(node.missing_left), node.cover)
        return (number, place, node.feature, node.threshold, "BRANCH_LEQ", *sides)
    feature = places[node.feature, node.categories]  # 1 goes left
    return number, place, feature, 0.5, "BRANCH_LEQ", node.right, node.left, 0, node.cover
