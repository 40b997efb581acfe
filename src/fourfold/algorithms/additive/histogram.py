"""Trees of scikit-learn's histogram-based boosting as arrays of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fourfold.algorithms.additive.ensemble import LEAF, Ensemble, floor32

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
    tables = [one.nodes for of in rounds for one in of]
    nodes = np.concatenate(tables)
    tree = np.repeat(np.arange(len(tables)), [len(one) for one in tables])
    root, leaf = np.searchsorted(tree, tree), nodes["is_leaf"] > 0
    own = np.arange(len(nodes))
    found = Ensemble(
        outputs=np.array(outputs),
        tree=tree,
        feature=np.where(leaf, LEAF, first + nodes["feature_idx"].astype(int)),
        threshold=np.where(leaf, 0.0, floor32(nodes["num_threshold"])),
        chosen=np.full(len(nodes), -1),
        missing_left=~leaf & (nodes["missing_go_to_left"] > 0),
        left=np.where(leaf, own, root + nodes["left"]),
        right=np.where(leaf, own, root + nodes["right"]),
        value=np.where(leaf, nodes["value"], 0.0),
        cover=np.maximum(nodes["count"], 1).astype(float),
    )
    return found.where({first + at: value for at, value in fixed.items()}), np.ravel(baseline)
