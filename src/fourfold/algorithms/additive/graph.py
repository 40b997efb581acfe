"""Additive models, an intercept, a line and trees, as ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from onnx import AttributeProto, TensorProto, helper

from fourfold.algorithms.additive.ensemble import LEAF
from fourfold.frozen.onnx_graph import OnnxGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.additive.ensemble import Ensemble
    from fourfold.algorithms.linear import Affine

__all__ = ["HALVES", "LEAVES", "NODES", "Graph", "additive_onnx"]

HALVES: Final = np.array([[-0.5, 0.5]], np.float32)
"""Shares of the log-odds of two classes that their outputs get."""
NODES: Final = {
    "nodes_treeids": AttributeProto.INTS,
    "nodes_nodeids": AttributeProto.INTS,
    "nodes_featureids": AttributeProto.INTS,
    "nodes_values": AttributeProto.FLOATS,
    "nodes_modes": AttributeProto.STRINGS,
    "nodes_truenodeids": AttributeProto.INTS,
    "nodes_falsenodeids": AttributeProto.INTS,
    "nodes_missing_value_tracks_true": AttributeProto.INTS,
    "nodes_hitrates": AttributeProto.FLOATS,
}
"""Lists of the operator with an entry for each node, and their types."""
LEAVES: Final = {
    "target_treeids": AttributeProto.INTS,
    "target_nodeids": AttributeProto.INTS,
    "target_ids": AttributeProto.INTS,
    "target_weights": AttributeProto.FLOATS,
}
"""Lists with an entry for each leaf."""


def additive_onnx(
    ensemble: Ensemble, line: Affine, start: int, width: int, *, halved: bool
) -> bytes:
    """Return the model b + x[start:] W + Σ trees of x, from (B, width) to (B, k), as one file.

    Splits by categories first become features, 1 for those that go left. The single column of two
    classes is ``halved`` into an output of each, −½ and ½ of it.
    """
    graph = Graph()
    named = ensemble.chosen >= 0
    pairs = zip(ensemble.feature[named].tolist(), ensemble.chosen[named].tolist(), strict=True)
    asked = [(feature, ensemble.sets[chosen]) for feature, chosen in pairs]
    sets = sorted(set(asked))
    x = graph.sets("input", sets) if sets else "input"
    places = {key: width + i for i, key in enumerate(sets)}
    features = np.maximum(ensemble.feature, 0)
    features[named] = [places[key] for key in asked]
    graph.trees(x, ensemble, features, line.bias)
    outputs = graph.line(line.weight, start) if line.weight.any() else ["trees"]
    halves = [graph.constant("halves", HALVES)] if halved else []
    graph.add("Sum", outputs, "scores" if halved else "output")
    if halved:
        graph.add("Mul", ["scores", *halves], "output")
    return graph.file("additive", width, 2 if halved else len(line.bias))


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

    def trees(
        self, x: str, ensemble: Ensemble, features: NDArray[np.intp], bias: NDArray[np.float64]
    ) -> None:
        """Add the trees' sum and the intercepts, nodes split by these features of x."""
        tree, root = ensemble.tree, ensemble.roots[ensemble.tree]
        leaf, named = ensemble.feature == LEAF, ensemble.chosen >= 0
        at = np.arange(len(tree)) - root
        left, right = (np.where(leaf, 0, side - root) for side in (ensemble.left, ensemble.right))
        nodes = (
            tree,
            at,
            features,
            np.where(named, 0.5, ensemble.threshold),
            np.where(leaf, "LEAF", "BRANCH_LEQ"),
            np.where(named, right, left),  # features for sets are 1 for those that go left
            np.where(named, left, right),
            ensemble.missing_left.astype(int),
            ensemble.cover,
        )
        leaves = tree[leaf], at[leaf], ensemble.outputs[tree[leaf]], ensemble.value[leaf]
        operator = helper.make_node(
            "TreeEnsembleRegressor", [x], ["trees"], domain="ai.onnx.ml", n_targets=len(bias),
            base_values=bias.astype(float).tolist(),
        )  # fmt: skip
        lists = zip((*NODES.items(), *LEAVES.items()), (*nodes, *leaves), strict=True)
        operator.attribute.extend(
            helper.make_attribute(name, values.tolist(), attr_type=kind)
            for (name, kind), values in lists
        )
        self.nodes.append(operator)

    def line(self, weight: NDArray[np.float64], start: int) -> list[str]:
        """Add x[start:] W, and return the names of the parts of the output."""
        bounds = [np.array([value], np.int64) for value in (start, start + len(weight), 1)]
        names = [self.constant(n, v) for n, v in zip(("from", "to", "axis"), bounds, strict=True)]
        features = self.add("Slice", ["input", *names], "features")
        product = [features, self.constant("weight", weight.astype(np.float32))]
        return ["trees", self.add("MatMul", product, "line")]
