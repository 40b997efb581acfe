"""Additive models, read from the ONNX files that they are written as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
from onnx import helper, load_from_string, numpy_helper

from fourfold.algorithms.additive.ensemble import Ensemble, Node
from fourfold.algorithms.additive.graph import LEAVES, NAME, NODES
from fourfold.algorithms.linear import Affine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Parts", "is_additive", "read_additive"]


@final
class Parts(NamedTuple):
    """Columns of scores of rows (n, width): trees, and a line on x[start:] with intercepts."""

    ensemble: Ensemble
    line: Affine
    start: int


def is_additive(content: bytes) -> bool:
    """Return whether a file is one of ``Additive.onnx``."""
    return bool(load_from_string(content).graph.name == NAME)


def read_additive(content: bytes) -> Parts:
    """Read the file of ``Additive.onnx``."""
    graph = load_from_string(content).graph
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    (trees,) = [node for node in graph.node if node.op_type == "TreeEnsembleRegressor"]
    lists = {one.name: helper.get_attribute_value(one) for one in trees.attribute}
    width = graph.input[0].type.tensor_type.shape.dim[1].dim_value
    bias = np.array(lists["base_values"], float)
    weight = constants.get("weight", np.zeros((0, len(bias)))).astype(float)
    sets = list(_sets(constants)) if "asked" in constants else []
    return Parts(_ensemble(lists, width, sets), Affine(weight, bias), width - len(weight))


def _sets(constants: Mapping[str, NDArray[Any]]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the feature and the categories of each feature that stands for a set of them."""
    asked = constants["asked"].tolist()
    table = constants["table"].reshape(len(asked), -1)
    for feature, row in zip(asked, table, strict=True):
        yield feature, tuple(np.flatnonzero(row).tolist())


def _ensemble(
    lists: Mapping[str, Any], width: int, sets: Sequence[tuple[int, tuple[int, ...]]]
) -> Ensemble:
    leaves = {
        (tree, at): (output, value)
        for tree, at, output, value in zip(*(lists[name] for name in LEAVES), strict=True)
    }
    trees: dict[int, list[Node]] = {}
    outputs: dict[int, int] = {}
    for row in zip(*(lists[name] for name in NODES), strict=True):
        tree, at, feature, threshold, mode, true, false, missing, cover = row
        nodes = trees.setdefault(tree, [])
        if mode == b"LEAF":
            outputs[tree], value = leaves[tree, at]
            nodes.append(Node(value=value, cover=cover))
        elif feature < width:
            split = Node(feature=feature, threshold=threshold, missing_left=bool(missing))
            nodes.append(split._replace(left=true, right=false, cover=cover))
        else:
            own, categories = sets[feature - width]
            nodes.append(Node(0.0, own, 0.0, categories, False, false, true, cover))
    return Ensemble(tuple(tuple(nodes) for nodes in trees.values()), tuple(outputs.values()))
