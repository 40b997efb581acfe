"""Columns beside frozen ones: a new one, those of sources, and those of a fitted network."""

from __future__ import annotations

import copy
from abc import ABC
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, final, runtime_checkable

from torch import Tensor, nn

from fourfold.core.parameters import Positive, PositiveInt
from fourfold.core.process import seeded
from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.tasks import TASKS
from fourfold.errors import ParameterError
from fourfold.estimators.model import Model
from fourfold.estimators.network import TrainsNetwork
from fourfold.estimators.problem import SourceNetwork
from fourfold.estimators.supervised import label_loss, split_rows, supervise, train_once
from fourfold.frozen.blocks import in_blocks
from fourfold.frozen.fingerprint import fingerprint
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.packed import PackedRows, unpack
from fourfold.frozen.store import compute_once
from fourfold.networks.builder import Body
from fourfold.networks.columns import Column, ColumnNetwork, ColumnStack, new_column
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.inputs import Data, Inputs
    from fourfold.estimators.problem import Problem
    from fourfold.networks.columns import Activations
    from fourfold.training.phases import History

__all__ = [
    "FrozenColumn",
    "GrowsColumn",
    "assemble",
    "chain_of",
    "columns_of",
    "kept_task",
    "old_columns",
]

FEWEST_ROWS: Final = 8
"""Labelled target rows that the transfer score needs."""


@final
@dataclass(frozen=True)
class FrozenColumn:
    """A trained column with its head, and the task of both; None for a bare network."""

    column: Column
    head: nn.Module
    task: Task | None


@final
class ColumnWithHead(nn.Module):
    """A new column and its head, on packed rows: inputs, then activations of ``old`` columns."""

    def __init__(
        self, column: Column, head: nn.Module, old: int, shapes: Sequence[tuple[int, ...]]
    ) -> None:
        super().__init__()
        self.column, self.head = column, head
        self.old, self.lateral, self.shapes = old, column.lateral_inputs, list(shapes)

    def forward(self, packed: Tensor) -> Tensor:
        x, *values = unpack(packed, self.shapes)
        activations: list[Activations] = [{} for _ in range(self.old)]
        for (j, joint), value in zip(self.lateral, values, strict=True):
            activations[j][joint] = value
        outputs: Tensor = self.head(self.column(x, activations)[0])
        return outputs


class GrowsColumn(TrainsNetwork, ABC):
    """A method that trains a column beside frozen ones.

    Parameters
    ----------
    adapter_width
        Channels inside each adapter from an old column to the new one.
    scale
        α at the start: the learnt factor of an old column's activations.
    measure
        Also measure the transfer score, which takes two more trainings: with the old columns and
        without, on three quarters of the target's labelled rows.

    Attributes
    ----------
    transfer_score_
        Area under the learning curve on the last quarter of the labelled rows, divided by that of a
        column alone; None if it was not measured, which takes at least 8 labelled rows in two
        groups, or if that of a column alone is zero or below. A study measures it on its first
        seed.
    """

    adapter_width: PositiveInt = 64
    scale: Positive = 0.1
    measure: bool = False

    sources_in_turn: ClassVar[bool] = True
    from_trained: ClassVar[tuple[str, ...]] = ("prepare",)

    @property
    def transfer_score_(self) -> float | None:
        """Area under the learning curve, divided by that of a column alone."""
        score: float | None = self.fitted_.state["transfer_score_"]
        return score

    @final
    def fresh_body(self, problem: Problem) -> Body:
        """Build a fresh column, as a network that is alone would start."""
        network = problem.network
        return problem.body(network.columns[-1] if isinstance(network, ColumnStack) else None)

    @final
    def beside(
        self, past: Sequence[FrozenColumn], fresh: Model, problem: Problem, data: Data
    ) -> tuple[ColumnWithHead, Data]:
        """Put a fresh column beside old ones; return it and the labelled rows that it learns from.

        Activations of the old columns are computed once, now or when they are first read.
        """
        old = [one.column for one in past]
        with seeded(problem.seed):  # apart, so that the rest is drawn as without adapters
            column = new_column(
                old,
                fresh.body.bare(),
                problem.inputs.shape,
                adapter_width=self.adapter_width,
                scale=self.scale,
            )
        known = data.known()
        rows = problem.inputs.above_preparation(known.rows)
        packed = _with_activations(old, column.lateral_inputs, rows)
        new = ColumnWithHead(column, fresh.head, len(old), packed.shapes)
        return new, known.fixed(packed)

    @final
    def grow(
        self, past: Sequence[FrozenColumn], fresh: Model, problem: Problem
    ) -> tuple[list[FrozenColumn], History, float | None]:
        """Train a fresh column beside old ones; return all, and the transfer score if measured."""
        new, data = self.beside(past, fresh, problem, problem.target)
        history = supervise(new, problem.task, data, problem.recipe)
        chain = [*past, FrozenColumn(new.column, new.head, problem.task)]
        if not self.measure or problem.target.labelled.sum() < FEWEST_ROWS:
            return chain, history, None
        with_them, alone = (self._area(columns, problem) for columns in (past, ()))
        return chain, history, with_them / alone if alone > 0 else None

    def _area(self, past: Sequence[FrozenColumn], problem: Problem) -> float:
        """Train a column and average its scores on held-out rows over the epochs.

        It is 0 where all rows are of one group or moment, so that none can be held out.
        """
        task = problem.task
        with seeded(problem.seed):
            fresh = problem.model(self.fresh_body(problem))
            new, data = self.beside(past, fresh, problem, problem.target)
            train, held = split_rows(data, len(data.y) // 4)
            if not len(held.y):
                return 0.0
            truth, fit = task.decode_labels(held.y), label_loss(new, task)
            weight = None if held.weight is None else held.weight.numpy()
            recipe = problem.recipe.but(patience=None, validation=0.0)  # of full length
            scores = minimize(
                new,
                Phase(lambda _t, batch: fit(batch), new),
                train.table(),
                recipe=recipe,
                validate=lambda: task.score(truth, in_blocks(new, held.rows), weight),
            ).scores
        return fmean(scores)


def assemble(inputs: Inputs, chain: Sequence[FrozenColumn]) -> Model:
    """Join columns, the newest last, into the network that predicts."""
    columns, heads = [one.column for one in chain], [one.head for one in chain]
    builders = [column.stages.builder for column in columns]
    known = tuple(builder for builder in builders if builder is not None)
    described = ColumnStack(
        columns=known,
        first_inputs=tuple(column.first_input for column in columns),
        adapter_widths=tuple(column.adapter_width for column in columns),
        outputs=tuple(
            head.out_features if isinstance(head, nn.Linear) else 0 for head in heads[:-1]
        ),
    )
    body = Body(
        {"columns": ColumnNetwork(columns, heads[:-1])},
        columns[-1].width,
        builder=described if len(known) == len(chain) else None,
    )
    return Model(inputs.under(body), heads[-1])


def _with_activations(
    old: Sequence[Column], lateral: Sequence[tuple[int, str]], rows: Rows
) -> PackedRows:
    """Pack rows with activations of old columns, which are computed once.

    By torch, as predictions are, so that a new column is trained on the values that it will get.
    """
    if not lateral:
        return PackedRows([rows])
    network = ColumnNetwork(old)
    taps = [network.layer_at(j, joint) for j, joint in lateral]
    frozen = Frozen(network, taps=taps, engine="torch")
    return PackedRows([rows, *(compute_once(frozen, rows, tap) for tap in taps)])


@runtime_checkable
class HasChain(Protocol):
    """A fitted progressive network, all of whose columns are taken over."""

    def chain(self) -> list[FrozenColumn]:
        """Return all columns, the newest last."""


def old_columns(method: GrowsColumn, problems: Sequence[Problem]) -> list[FrozenColumn]:
    """Return the columns of all sources, in order; those of data are trained."""
    chain: list[FrozenColumn] = []
    for problem in problems:
        if isinstance(problem.source, SourceNetwork) or not chain:
            chain += _taken_over(problem, len(chain))
        else:
            chain.append(_trained(method, chain, problem))
    return chain


def _trained(method: GrowsColumn, past: Sequence[FrozenColumn], problem: Problem) -> FrozenColumn:
    """Train a column on a source beside those before it, once per seed."""
    task = problem.known_source_task
    with seeded(problem.seed):
        body = method.fresh_body(problem)
        fresh = Model(body, task.head(body.width))
        new, data = method.beside(past, fresh, problem, problem.source_data)
        before = fingerprint(ColumnNetwork([one.column for one in past]))
        key = problem.key(before, str(method.adapter_width), str(method.scale))
        train_once(new, key, lambda: supervise(new, task, data, problem.recipe))
    new.cpu()
    return FrozenColumn(new.column, new.head, task)


def _taken_over(problem: Problem, at: int) -> list[FrozenColumn]:
    """Make columns, from a position on, of a source's network."""
    source = problem.source
    if isinstance(source, SourceNetwork) and isinstance(source.estimator, HasChain):
        theirs = copy.deepcopy(source.estimator.chain())
        return [replace(one, column=one.column.shift(at)) for one in theirs]
    model = problem.source_model.cpu()
    # a head of another kind could not be rebuilt from its number of outputs
    head = model.head if isinstance(model.head, nn.Linear) else nn.Identity()
    return [FrozenColumn(Column(model.body.bare(), at), head, problem.source_task)]


def chain_of(model: Model, tasks: Sequence[dict[str, Any] | None]) -> list[FrozenColumn]:
    """Return the columns of a fitted model, the newest last."""
    network = columns_of(model)
    heads = [*network.heads, model.head]
    restored = [_restored_task(kept) for kept in tasks]
    return [FrozenColumn(*one) for one in zip(network.column_list, heads, restored, strict=True)]


def columns_of(model: Model) -> ColumnNetwork:
    """Return the columns that a model consists of; refuse a model of something else."""
    for part in model.body.children():
        if isinstance(part, ColumnNetwork):
            return part
    raise ParameterError(
        "columns of the user's own network must be asked before it is saved; got a loaded model, "
        "which only predicts its newest task"
    )


def kept_task(task: Task | None) -> dict[str, Any] | None:
    """Return a task as JSON can hold it."""
    return None if task is None else {"task": to_plain(task), "state": task.state()}


def _restored_task(kept: dict[str, Any] | None) -> Task | None:
    if kept is None:
        return None
    task: Task = from_plain(kept["task"], TASKS)
    return task.restore(kept["state"])
