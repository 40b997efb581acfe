"""Ensembles of regression trees as arrays of nodes, read from LightGBM's text."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Ints = NDArray[np.intp]
    Floats = NDArray[np.float64]

__all__ = ["LEAF", "Ensemble", "floor32", "parse"]

LEAF: Final = -1
"""The feature of a leaf."""
CATEGORICAL, DEFAULT_LEFT = 1, 2
"""Bits of LightGBM's ``decision_type``."""
NAN_IS_MISSING: Final = 2
"""Its missing type, from the third bit on, where NaN has a side of its own; else it counts as 0."""


@final
class Ensemble(NamedTuple):
    """A sum of trees for each of several outputs: arrays of n nodes, tree after tree.

    The root of a tree is its first node.

    Attributes
    ----------
    outputs
        Number of the output that each tree adds to, (trees,).
    tree
        Number of the tree that a node belongs to.
    feature
        Number of the feature that is split; −1 at a leaf.
    threshold
        Largest float32 that goes left.
    chosen
        Position among ``sets`` of the categories that go left; −1 where numbers are split.
    missing_left
        Whether a missing value goes left.
    left, right
        Positions of the children among all nodes; at a leaf its own.
    value
        Of a leaf; 0 at a split.
    cover
        Number of training rows that came to a node, at least 1.
    sets
        Sets of categories.
    """

    outputs: Ints
    tree: Ints
    feature: Ints
    threshold: Floats
    chosen: Ints
    missing_left: NDArray[np.bool_]
    left: Ints
    right: Ints
    value: Floats
    cover: Floats
    sets: tuple[tuple[int, ...], ...] = ()

    @property
    def roots(self) -> Ints:
        """Positions of the roots, (trees,)."""
        return np.searchsorted(self.tree, np.arange(len(self.outputs)))

    def plus(self, other: Ensemble) -> Ensemble:
        """Return the trees of both."""
        n = len(self.tree)
        moved = other._replace(
            tree=other.tree + len(self.outputs),
            left=other.left + n,
            right=other.right + n,
            chosen=np.where(other.chosen < 0, other.chosen, other.chosen + len(self.sets)),
        )
        pairs = zip(self._fields[:-1], self[:-1], moved[:-1], strict=True)
        both: dict[str, Any] = {name: np.concatenate(parts) for name, *parts in pairs}
        return self._replace(**both, sets=self.sets + other.sets)

    def scaled(self, slopes: Floats) -> Ensemble:
        """Return the trees with values times the slope of their output, (outputs,)."""
        return self._replace(value=self.value * slopes[self.outputs[self.tree]])

    def to(self, output: int) -> Ensemble:
        """Return the trees of a single output for another one."""
        return self._replace(outputs=np.full_like(self.outputs, output))

    def where(self, fixed: Mapping[int, float]) -> Ensemble:
        """Return the trees that decide for rows with fixed values of some features.

        No node asks for these. Children must stand behind their parents, and splits before leaves.
        """
        end = np.arange(len(self.tree))
        for feature, value in fixed.items():
            asks = self.feature == feature
            end = np.where(asks, np.where(value <= self.threshold, self.left, self.right), end)
        while (end != end[end]).any():
            end = end[end]
        left, right = end[self.left], end[self.right]
        reached, at = np.zeros(len(end), bool), end[self.roots]
        while len(at):
            reached[at] = True
            inner = at[self.feature[at] != LEAF]
            at = np.concatenate([left[inner], right[inner]])
        place = np.cumsum(reached) - 1
        moved = self._replace(left=place[left], right=place[right])
        pairs = zip(self._fields[1:-1], moved[1:-1], strict=True)
        kept: dict[str, Any] = {name: of[reached] for name, of in pairs}
        return self._replace(**kept)


def parse(text: str, fixed: Mapping[int, float] | None = None) -> Ensemble:
    """Read LightGBM's model, as ``Booster.model_to_string`` writes it.

    Features with fixed values are decided at once, and no node asks for them.
    """
    fields = _Fields(text.partition("end of trees")[0])
    (per_round,) = fields.numbers("num_tree_per_iteration")
    leaves = fields.numbers("num_leaves")
    tree = np.repeat(np.arange(len(leaves)), 2 * leaves - 1)  # splits by number, then leaves
    own, root = np.arange(len(tree)), np.searchsorted(tree, tree)
    split = own - root < leaves[tree] - 1

    def places(side: str) -> Ints:
        """Return the positions of the splits' children: LightGBM's −i − 1 stands for leaf i."""
        child = fields.numbers(f"{side}_child")
        bottom = (root + leaves[tree] - 1)[split]
        return _spread(split, np.where(child < 0, bottom - child - 1, root[split] + child), own)

    kind, limit = fields.numbers("decision_type"), fields.numbers("threshold", float)
    named = (kind & CATEGORICAL) > 0
    first = np.cumsum(counts := fields.numbers("num_cat")) - counts
    of = np.where(named, limit, 0).astype(int) + first[tree[split]]
    nan = kind >> 2 == NAN_IS_MISSING
    to_left = np.where(nan, (kind & DEFAULT_LEFT) > 0, limit >= 0) & ~named
    covers = _spread(split, fields.numbers("internal_count"), 0)
    covers[~split] = fields.numbers("leaf_count")
    found = Ensemble(
        outputs=np.arange(len(leaves)) % per_round,
        tree=tree,
        feature=_spread(split, fields.numbers("split_feature"), LEAF),
        threshold=_spread(split, np.where(named, 0, floor32(limit)), 0.0),
        chosen=_spread(split, np.where(named, of, -1), -1),
        missing_left=_spread(split, to_left, fill=False),
        left=places("left"),
        right=places("right"),
        value=_spread(~split, fields.numbers("leaf_value", float), 0.0),
        cover=np.maximum(covers, 1).astype(float),
        sets=_sets(fields, counts),
    )
    return found.where(fixed) if fixed else found


class _Fields(defaultdict[str, list[str]]):
    """Name of a field → its content, once for each tree that has it."""

    def __init__(self, text: str) -> None:
        super().__init__(list)
        for line in text.splitlines():
            name, sign, content = line.partition("=")
            if sign:
                self[name].append(content)

    def numbers(self, name: str, kind: Any = int) -> NDArray[Any]:
        """Return the numbers in a field of all trees, one after another."""
        return np.fromstring(" ".join(self[name]), kind, sep=" ")


def _spread(mask: NDArray[np.bool_], values: NDArray[Any], fill: Any) -> NDArray[Any]:
    """Return values at the places of a mask, and others elsewhere."""
    whole = np.full(len(mask), fill, values.dtype)
    whole[mask] = values
    return whole


def _sets(fields: _Fields, counts: NDArray[Any]) -> tuple[tuple[int, ...], ...]:
    """Return the categories that go left at each categorical split, ``counts`` in each tree."""
    if not counts.any():
        return ()
    found = []
    pairs = zip(fields["cat_boundaries"], fields["cat_threshold"], strict=True)
    for starts, content in pairs:
        words = np.array(content.split(), np.uint32)
        for start, stop in pairwise(map(int, starts.split())):
            bits = np.unpackbits(words[start:stop].view(np.uint8), bitorder="little")
            found.append(tuple(np.flatnonzero(bits).tolist()))
    return tuple(found)


def floor32(values: Any) -> Floats:
    """Return the largest float32 up to each value: comparisons of float32 stay the same."""
    values = np.asarray(values, float)
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    down: Floats = np.where(rounded > values, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return down.astype(float)
