"""Ensembles of regression trees as plain nodes, read from LightGBM's text."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

__all__ = ["Ensemble", "Node", "floor32", "parse"]

CATEGORICAL, DEFAULT_LEFT = 1, 2
"""Bits of LightGBM's ``decision_type``."""
NAN_IS_MISSING: Final = 2
"""Its missing type, from the third bit on, where NaN has a side of its own; else it counts as 0."""


@final
class Node(NamedTuple):
    """A split, or a leaf.

    Attributes
    ----------
    value
        Of a leaf.
    feature
        Number of the feature that is split; None at a leaf.
    threshold
        Largest float32 that goes left.
    categories
        Categories that go left, where the feature is one of categories; else empty.
    missing_left
        Whether a missing value goes left.
    left, right
        Positions of the children among the nodes of the tree.
    cover
        Number of training rows that came here.
    """

    value: float = 0.0
    feature: int | None = None
    threshold: float = 0.0
    categories: tuple[int, ...] = ()
    missing_left: bool = False
    left: int = 0
    right: int = 0
    cover: float = 1.0


@final
class Ensemble(NamedTuple):
    """A sum of trees for each of several outputs.

    Attributes
    ----------
    trees
        Nodes of each tree, the root first.
    outputs
        Number of the output that each tree adds to.
    """

    trees: tuple[tuple[Node, ...], ...]
    outputs: tuple[int, ...]

    def plus(self, other: Ensemble) -> Ensemble:
        """Return the trees of both."""
        return Ensemble(self.trees + other.trees, self.outputs + other.outputs)

    def scaled(self, slopes: NDArray[np.float64]) -> Ensemble:
        """Return the trees with values times the slope of their output, (outputs,)."""
        pairs = zip(self.trees, self.outputs, strict=True)
        trees = (
            tuple(node._replace(value=float(slopes[output] * node.value)) for node in tree)
            for tree, output in pairs
        )
        return Ensemble(tuple(trees), self.outputs)

    def to(self, output: int) -> Ensemble:
        """Return the trees of a single output for another one."""
        return Ensemble(self.trees, (output,) * len(self.trees))


def parse(text: str, fixed: Mapping[int, float] | None = None) -> Ensemble:
    """Read LightGBM's model, as ``Booster.model_to_string`` writes it.

    Features with fixed values are decided at once, and no node asks for them.
    """
    head, *blocks = text.partition("end of trees")[0].split("\nTree=")
    per_round = int(_fields(head)["num_tree_per_iteration"])
    trees = tuple(_tree(_fields(block), fixed or {}) for block in blocks)
    return Ensemble(trees, tuple(i % per_round for i in range(len(trees))))


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.splitlines())
    return {name: value for name, sign, value in pairs if sign}


def _tree(fields: Mapping[str, str], fixed: Mapping[int, float]) -> tuple[Node, ...]:
    """Return the nodes that can be reached, parents before children."""
    if int(fields["num_leaves"]) < 2:
        return (Node(value=float(fields["leaf_value"].split()[0])),)
    splits = list(_splits(fields))
    values, covers = (
        np.array(fields[f"leaf_{name}"].split(), float) for name in ("value", "count")
    )
    nodes: list[Node] = []

    def add(at: int) -> int:
        """Add a node and those below: a split by its number, or leaf i as −i − 1."""
        while at >= 0 and splits[at].feature in fixed:
            split = splits[at]
            goes_left = fixed[split.feature or 0] <= split.threshold
            at = split.left if goes_left else split.right
        place = len(nodes)
        if at < 0:
            nodes.append(Node(value=float(values[-at - 1]), cover=max(1.0, covers[-at - 1])))
            return place
        nodes.append(splits[at])
        left, right = add(splits[at].left), add(splits[at].right)
        nodes[place] = splits[at]._replace(left=left, right=right)
        return place

    add(0)
    return tuple(nodes)


def _splits(fields: Mapping[str, str]) -> Iterator[Node]:
    """Yield the splits of a tree, with children as LightGBM numbers them."""
    names = ("split_feature", "decision_type", "left_child", "right_child", "internal_count")
    whole = [np.array(fields[name].split(), int).tolist() for name in names]
    thresholds = np.array(fields["threshold"].split(), float)
    sets = _sets(fields)
    for *numbers, limit in zip(*whole, thresholds, strict=True):
        feature, kind, left, right, cover = numbers
        split = Node(feature=feature, left=left, right=right, cover=max(1.0, cover))
        if kind & CATEGORICAL:
            yield split._replace(categories=sets[int(limit)])
            continue
        nan = kind >> 2 == NAN_IS_MISSING
        missing_left = bool(kind & DEFAULT_LEFT) if nan else bool(limit >= 0)
        yield split._replace(threshold=floor32(limit), missing_left=missing_left)


def _sets(fields: Mapping[str, str]) -> list[tuple[int, ...]]:
    """Return the categories that go left at each categorical split."""
    if not int(fields["num_cat"]):
        return []
    starts = np.array(fields["cat_boundaries"].split(), int)
    words = np.array(fields["cat_threshold"].split(), np.uint32)
    found = []
    for start, stop in pairwise(starts):
        bits = np.unpackbits(words[start:stop].view(np.uint8), bitorder="little")
        found.append(tuple(np.flatnonzero(bits).tolist()))
    return found


def floor32(value: Any) -> float:
    """Return the largest float32 up to a value, so that comparisons of float32 stay the same."""
    rounded: NDArray[np.float32] = np.float32(value)  # type: ignore[assignment]
    if rounded > value:
        rounded = np.nextafter(rounded, np.float32(-np.inf))
    return float(rounded)
