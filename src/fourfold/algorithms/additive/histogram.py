"""Trees of scikit-learn's histogram-based boosting as plain nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fourfold.algorithms.additive.ensemble import Ensemble, Node, floor32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["from_histogram"]


def from_histogram(
    model: Any, first: int, fixed: Mapping[int, float]
) -> tuple[Ensemble, NDArray[np.float64]]:
    """Read a fitted ``HistGradientBoostingClassifier`` or ``…Regressor`` without categories.

    Parameters
    ----------
    first
        Place of its first feature among all.
    fixed
        Its features with a fixed value → the value; they are decided at once.

    Returns
    -------
    Trees, and intercepts (outputs,).
    """
    rounds = model._predictors  # noqa: SLF001  as skl2onnx reads them
    baseline = model._baseline_prediction  # noqa: SLF001
    outputs = [at for of in rounds for at in range(len(of))]
    trees = [_tree(one.nodes, first, fixed) for of in rounds for one in of]
    return Ensemble(tuple(trees), tuple(outputs)), np.ravel(baseline)


def _tree(nodes: NDArray[Any], first: int, fixed: Mapping[int, float]) -> tuple[Node, ...]:
    """Return the nodes that can be reached, parents before children."""
    found: list[Node] = []

    def add(at: int) -> int:
        node = nodes[at]
        while not node["is_leaf"] and node["feature_idx"] in fixed:
            left = fixed[node["feature_idx"]] <= node["num_threshold"]
            node = nodes[node["left" if left else "right"]]
        place, cover = len(found), float(max(1, node["count"]))
        found.append(Node(value=float(node["value"]), cover=cover))
        if not node["is_leaf"]:
            split = Node(
                feature=first + int(node["feature_idx"]),
                threshold=floor32(node["num_threshold"]),
                missing_left=bool(node["missing_go_to_left"]),
                cover=cover,
            )
            left, right = add(int(node["left"])), add(int(node["right"]))
            found[place] = split._replace(left=left, right=right)
        return place

    add(0)
    return tuple(found)
