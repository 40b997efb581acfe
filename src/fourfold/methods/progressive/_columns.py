"""How a column is trained beside frozen ones: what progressive networks and their control share."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.core.parameters import Positive, PositiveInt
from fourfold.core.process import seeded
from fourfold.core.tasks import Classification, Regression
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import Data, Model
from fourfold.frozen.blocks import in_blocks
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.packed import PackedRows, unpack
from fourfold.frozen.store import compute_once
from fourfold.networks.builder import Body
from fourfold.networks.columns import Column, ColumnNetwork, ColumnStack, new_column
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.problem import Job
    from fourfold.networks.builder import Builder
    from fourfold.networks.columns import Activations
    from fourfold.training.batches import Batch

__all__ = ["ColumnEstimator", "Listener", "Past", "joined"]

FEWEST_ROWS: Final = 8
"""Labelled target rows that the transfer score needs."""


@final
@dataclass(frozen=True)
class Past:
    """A column that is trained, and what it was trained for.

    Attributes
    ----------
    column, head
        The network.
    builder
        What builds it; None for a module that the user brings.
    task
        None for a bare network, whose outputs may mean anything.
    """

    column: Column
    head: nn.Module
    builder: Builder | None
    task: Task | None


@final
class Listener(nn.Module):
    """A new column and its head, fed with packed rows: inputs, and what old columns say.

    Parameters
    ----------
    column, head
        What is trained.
    old
        How many columns there are before it.
    heard
        Which old column, and at which joint: one for each part of a row behind the inputs.
    shapes
        Of the parts of a row.
    """

    def __init__(
        self,
        column: Column,
        head: nn.Module,
        old: int,
        heard: Sequence[tuple[int, str]],
        shapes: Sequence[tuple[int, ...]],
    ) -> None:
        super().__init__()
        self.column, self.head = column, head
        self.old, self.heard, self.shapes = old, list(heard), list(shapes)

    def forward(self, packed: Tensor) -> Tensor:
        x, *values = unpack(packed, self.shapes)
        said: list[Activations] = [{} for _ in range(self.old)]
        for (j, joint), value in zip(self.heard, values, strict=True):
            said[j][joint] = value
        outputs: Tensor = self.head(self.column(x, said)[0])
        return outputs


class ColumnEstimator(NetworkEstimator, ABC):
    """A network that grows a column beside frozen ones.

    Parameters
    ----------
    adapter_width
        Channels inside each adapter from an old column to the new one.
    scale
        α at the start: the factor, which is learnt, of what comes from an old column.
    measure
        Also measure the transfer score, which takes two more trainings: with the old columns and
        without, on three quarters of the target's labelled rows.

    Attributes
    ----------
    transfer_score_
        The area under the learning curve on the last quarter of the labelled rows, divided by that
        of a column alone; None if it was not measured, which takes at least 8 labelled rows, or if
        that of a column alone is zero or below. A study measures it on its first seed.
    """

    adapter_width: PositiveInt = 64
    scale: Positive = 0.1
    measure: bool = False

    in_turn: ClassVar[bool] = True
    plain: ClassVar[tuple[str, ...]] = ("transfer_score_",)

    @final
    def _start(self, job: Job) -> Model:
        """Build a fresh column and its head, as a network that is alone would start."""
        if isinstance(self.builder_, ColumnStack):  # of a source; what is needed is one more column
            self.builder_ = self.builder_.columns[-1]
        return job.model(job.body())

    @final
    def _listener(self, past: Sequence[Past], fresh: Model, data: Data) -> tuple[Listener, Data]:
        """Put a fresh column beside old ones; return it and what it learns from.

        What the old columns say of the rows is computed once, now or when it is first read.
        """
        old = [one.column for one in past]
        with seeded(self.random_state):  # apart, so that the rest is drawn as without adapters
            column = new_column(
                old, fresh.body.bare(), self.shape_,
                adapter_width=self.adapter_width, scale=self.scale,
            )  # fmt: skip
        known = data.known()
        packed = _overheard(old, column.lateral_inputs, self.prepared(known.rows))
        listener = Listener(column, fresh.head, len(old), column.lateral_inputs, packed.shapes)
        return listener, Data(packed, known.y, known.labelled)

    @final
    def _assembled(self, chain: Sequence[Past]) -> Model:
        """Join columns, the newest last, into the network that predicts."""
        columns = [one.column for one in chain]
        heads = [one.head for one in chain]
        builders = [one.builder for one in chain if one.builder is not None]
        described = ColumnStack(
            columns=tuple(builders),
            first_inputs=tuple(column.first_input for column in columns),
            adapter_widths=tuple(column.adapter_width for column in columns),
            outputs=tuple(
                head.out_features if isinstance(head, nn.Linear) else 0 for head in heads[:-1]
            ),
        )
        self.builder_ = described if len(builders) == len(chain) else None
        body = Body({"columns": ColumnNetwork(columns, heads[:-1])}, columns[-1].width)
        return Model(self.on_rows(body), heads[-1])

    @final
    def _transfer_score(self, past: Sequence[Past], job: Job) -> float | None:
        """Divide the area under the learning curve by that of a column alone, if asked for."""
        if not self.measure or job.target.labelled.sum() < FEWEST_ROWS:
            return None
        with_them, alone = (self._area(columns, job) for columns in (past, ()))
        return with_them / alone if alone > 0 else None

    def _area(self, past: Sequence[Past], job: Job) -> float:
        """Train a column and average its scores on held-out rows over the epochs."""
        with seeded(self.random_state):
            listener, data = self._listener(past, job.model(job.body()), job.target)
            order = torch.randperm(len(data.y)).numpy()
            train, rest = data.at(order[len(order) // 4 :]), data.at(order[: len(order) // 4])
            truth = _truth(job.task, rest.y)

            def loss(_t: float, batch: Batch) -> Tensor:
                return job.task.loss(listener(batch.x), batch.y)

            def score() -> float:
                return job.task.score(truth, in_blocks(listener, rest.rows))

            recipe = job.recipe.but(  # of full length, and not shown
                patience=None, validation=0.0
            )
            phase, table = Phase(loss, listener), train.table()
            scores = minimize(listener, phase, table, recipe=recipe, validate=score).scores
        return fmean(scores)


def joined(body: Body) -> ColumnNetwork | None:
    """Return the columns that a network consists of; None where it is another."""
    return next((part for part in body.children() if isinstance(part, ColumnNetwork)), None)


def _overheard(old: Sequence[Column], heard: Sequence[tuple[int, str]], rows: Rows) -> PackedRows:
    """Pack rows with what old columns say of them, which is computed once.

    By torch, as predictions are: a new column is trained on what it will hear.
    """
    if not heard:
        return PackedRows([rows])
    network = ColumnNetwork(old)
    taps = [network.layer_at(j, joint) for j, joint in heard]
    frozen = Frozen(network, taps=taps, engine="torch")
    return PackedRows([rows, *(compute_once(frozen, rows, tap) for tap in taps)])


def _truth(task: Task, y: Tensor) -> NDArray[Any]:
    """Return encoded labels in the user's terms, as a score wants them."""
    if isinstance(task, Classification):
        return np.asarray(task.classes_[y.numpy()])
    return task.decode(y.numpy()) if isinstance(task, Regression) else y.numpy()
