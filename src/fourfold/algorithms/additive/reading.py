"""Additive models, read from the ONNX files that they are written as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
from onnx import helper, load_from_string, numpy_helper

from fourfold.algorithms.additive.ensemble import LEAF, Ensemble
from fourfold.algorithms.additive.graph import LEAVES, NAME, NODES
from fourfold.algorithms.linear import Affine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Parts", "read_additive"]


@final
class Parts(NamedTuple):
    """Columns of scores of rows (n, width): trees, and a line on x[start:] with intercepts."""

    ensemble: Ensemble
    line: Affine
    start: int


def read_additive(content: bytes) -> Parts | None:
    """Read the file of ``Additive.onnx``; None of another one."""
    graph = load_from_string(content).graph
    if graph.name != NAME:
        return None
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
    tree, _, feature, threshold, modes, true, false, missing, cover = (
        np.array(lists[name]) for name in NODES
    )
    own, root, leaf = np.arange(len(tree)), np.searchsorted(tree, tree), modes == b"LEAF"
    trees, at, output, values = (np.array(lists[name]) for name in LEAVES)
    outputs, value = np.zeros(tree[-1] + 1, int), np.zeros(len(tree))
    outputs[trees] = output
    value[np.searchsorted(tree, trees) + at] = values
    named = feature >= width  # 1 goes left, behind ½
    asked, number = np.array([one for one, _ in sets], int), np.where(named, feature - width, -1)
    feature[named] = asked[number[named]]
    feature[leaf] = LEAF
    return Ensemble(
        outputs=outputs,
        tree=tree,
        feature=feature,
        threshold=np.where(named, 0, threshold),
        chosen=number,
        missing_left=missing > 0,
        left=np.where(leaf, own, root + np.where(named, false, true)),
        right=np.where(leaf, own, root + np.where(named, true, false)),
        value=value,
        cover=cover,
        sets=tuple(of for _, of in sets),
    )
