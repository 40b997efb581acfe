"""Features: the rows of a problem as samples, with their views for lines and for trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, final

import numpy as np
from torch import nn

from fourfold.algorithms.additive.goal import Goal
from fourfold.algorithms.samples import Sample, canonical_order
from fourfold.data.rows import SparseRows
from fourfold.errors import ParameterError
from fourfold.estimators.model import Model
from fourfold.frozen.blocks import in_blocks
from fourfold.networks.mlp import Flat
from fourfold.preparation.choose import TableViews

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Index
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.problem import Problem
    from fourfold.networks.builder import Body
    from fourfold.preparation.base import Preparation

__all__ = ["Directions", "Features", "check_directions", "goal_of"]

Directions: TypeAlias = dict[str, int] | tuple[int, ...]
"""Column of numbers, or features in order → 1 where scores may only rise, −1 only fall, 0 both."""

LEADING: Final = 4
"""Features by which rows are ordered first."""


@final
class Features(NamedTuple):
    """The features of a problem.

    Attributes
    ----------
    body
        From rows to features (width).
    width
        Number of features.
    start
        Number of the leading ones that are for trees alone.
    categories
        Places of those that are categories.
    numbers
        Names of the columns of numbers of a table, in the order of their places.
    """

    body: Body
    width: int
    start: int = 0
    categories: tuple[int, ...] = ()
    numbers: tuple[Any, ...] = ()

    @classmethod
    def of(cls, problem: Problem) -> Features:
        """Return the features of a problem's rows, as they are prepared."""
        body, prepare = problem.body(Flat()), problem.inputs.prepare
        if not isinstance(prepare, TableViews):
            return cls(body, body.width)
        numbers = tuple(prepare.lines_.columns_.numbers)
        return cls(body, body.width, prepare.start, tuple(prepare.categories), numbers)

    def directions(self, given: Directions | None) -> tuple[int, ...]:
        """Return −1, 0 or 1 for each feature for trees; nothing where nothing is given.

        Raises
        ------
        ParameterError
            If it has another number of features.
        """
        n = self.start or self.width
        if given is None:
            return ()
        if not isinstance(given, dict):
            if self.start or len(given) != n:
                raise ParameterError(
                    "monotonic_cst must be a dict by columns of a table, or have an entry for each "
                    f"of {n} features; got {len(given)} entries"
                )
            return tuple(given)
        known = [given.get(name, 0) for name in self.numbers]
        return (*known, *[0] * (n - len(known)))

    def sample(self, data: Data) -> Sample:
        """Return labelled rows in an order of their own, so that the given one does not matter."""
        known = data.known()
        x, y = self.values(known), known.y.numpy()
        order = _order(x, y, known.row_weights)
        return Sample(x, y, known.row_weights, known.groups, known.time).at(order)

    def values(self, data: Data) -> NDArray[np.float32]:
        """Return the features of all rows, (n, width)."""
        rows, bare = data.rows, all(isinstance(one, nn.Identity) for one in self.body.children())
        if not rows.n:
            return np.empty((0, self.width), np.float32)
        if bare and not isinstance(rows, SparseRows):
            return np.asarray(rows.take(np.arange(rows.n)), np.float32)
        return in_blocks(self.body, rows)

    def model(self, head: nn.Module) -> Model:
        """Put a head on the features."""
        return Model(self.body, head)


def _order(x: NDArray[np.float32], y: NDArray[Any], weight: NDArray[np.float32]) -> Index:
    """Order rows by their first features, at any scale of these, and equal ones by all."""
    along = canonical_order(x, y, weight)
    return along[np.lexsort(x[along, :LEADING].T[::-1])]


def check_directions(given: Directions | None, goal: Goal, prepare: Preparation) -> None:
    """Refuse directions for more than two classes, or of other columns than those of numbers."""
    if given and not goal.apart:
        raise ParameterError(
            f"monotonic_cst must be left out for more than two classes; got {goal.outputs} classes"
        )
    kinds = prepare.kinds if isinstance(prepare, TableViews) else {}
    strange = [name for name in given or () if kinds.get(name) != "number"]
    if isinstance(given, dict) and strange:
        kind = kinds.get(strange[0])
        got = "no column that is an input" if kind is None else f"one of kind {kind}"
        raise ParameterError(
            f"monotonic_cst must name columns of numbers; got {strange[0]!r}, {got}"
        )


def goal_of(task: Task) -> Goal:
    """Return the labels of a task as an additive model fits them."""
    if task.has_classes:
        return Goal("classes", task.n_outputs)
    return Goal("numbers" if task.linear_loss == "squared" else "answers", task.n_outputs)
