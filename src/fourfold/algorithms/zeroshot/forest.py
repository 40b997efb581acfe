"""Forest: a fitted forest of scikit-learn as a module of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self, final

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.ensemble import ExtraTreesRegressor

__all__ = ["Forest", "Size"]


class Size(NamedTuple):
    """Numbers of trees, of all nodes, of edges to the furthest leaf, and of values in a leaf."""

    trees: int
    nodes: int
    depth: int
    outputs: int


@final
class Forest(nn.Module):
    """Average over trees the values of the leaves that a row falls into.

    It is saved and exported like any network.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import ExtraTreesRegressor
    >>> X, y = load_iris(return_X_y=True)
    >>> grown = ExtraTreesRegressor(20, random_state=0).fit(X, y)
    >>> outputs = Forest.from_sklearn(grown)(torch.from_numpy(X).float())[:, 0]
    >>> bool(np.allclose(outputs, grown.predict(X), atol=1e-6))
    True
    """

    roots: Tensor
    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    values: Tensor

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("roots", torch.zeros(size.trees, dtype=torch.int64))
        for name in ("feature", "left", "right"):
            self.register_buffer(name, torch.zeros(size.nodes, dtype=torch.int64))
        self.register_buffer("threshold", torch.zeros(size.nodes))
        self.register_buffer("values", torch.zeros(size.nodes, size.outputs))

    @classmethod
    def from_sklearn(cls, grown: ExtraTreesRegressor) -> Self:
        """Convert a fitted forest.

        scikit-learn compares float32 features to float64 thresholds; these are rounded down to
        float32, which decides every row the same way.
        """
        trees = [one.tree_ for one in grown.estimators_]
        starts = np.cumsum([0, *(tree.node_count for tree in trees)])
        depth = max(int(tree.max_depth) for tree in trees)
        outputs = trees[0].value.shape[1]
        made = cls(Size(len(trees), int(starts[-1]), depth, outputs))
        parts = [_arrays(tree, int(start)) for tree, start in zip(trees, starts, strict=False)]
        made.roots.copy_(torch.from_numpy(starts[:-1]))
        names = ("feature", "threshold", "left", "right", "values")
        for name, columns in zip(names, zip(*parts, strict=True), strict=True):
            made.get_buffer(name).copy_(torch.from_numpy(np.concatenate(columns)))
        return made

    def set_leaves(
        self,
        leaves: NDArray[np.int64],
        values: NDArray[np.float32],
        weight: NDArray[np.float64],
        default: NDArray[np.float64],
    ) -> None:
        """Set each leaf to the weighted average of the known values of its rows.

        Parameters
        ----------
        leaves
            (n, trees) the leaf of each row in each tree, from scikit-learn's ``apply``.
        values, weight
            (n, outputs) of the rows, NaN if unknown, and (n,).
        default
            (outputs,) of leaves without a known value.
        """
        where = leaves + self.roots.numpy()
        known = ~np.isnan(values) * weight[:, None]
        total, sums = np.zeros((2, self.size.nodes, self.size.outputs))
        for column in where.T:
            np.add.at(total, column, known)
            np.add.at(sums, column, np.nan_to_num(values) * known)
        means = np.where(total > 0, sums / np.where(total > 0, total, 1), default)
        self.values.copy_(torch.from_numpy(means))

    def forward(self, x: Tensor) -> Tensor:
        node = self.roots.expand(len(x), -1)  # (B, trees)
        for _ in range(self.size.depth):
            low = x.gather(1, self.feature[node]) <= self.threshold[node]
            node = torch.where(low, self.left[node], self.right[node])
        return self.values[node].mean(1)  # (B, outputs)


def _arrays(tree: Any, start: int) -> tuple[NDArray[Any], ...]:
    """Return features, thresholds, children and values of a tree whose first node has a number.

    A leaf is its own child, so that a row stays in it.
    """
    leaf = tree.children_left < 0
    own = np.arange(tree.node_count)
    left, right = (
        start + np.where(leaf, own, child) for child in (tree.children_left, tree.children_right)
    )
    feature = np.where(leaf, 0, tree.feature)
    return feature, _down(tree.threshold), left, right, tree.value[:, :, 0]


def _down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 that is not above each threshold."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
