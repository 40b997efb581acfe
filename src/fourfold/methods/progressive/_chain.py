"""Chains of columns: sources as columns of a progressive network, and columns of a fitted one."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from torch import nn

from fourfold.core.process import seeded
from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.tasks import TASKS
from fourfold.errors import ParameterError
from fourfold.estimators.model import Model
from fourfold.estimators.problem import Pretrained
from fourfold.estimators.supervised import supervise, train_once
from fourfold.frozen.fingerprint import fingerprint
from fourfold.methods.progressive._columns import FrozenColumn
from fourfold.networks.columns import Column, ColumnNetwork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.core.tasks import Task
    from fourfold.estimators.problem import Problem
    from fourfold.methods.progressive._columns import GrowsColumn

__all__ = ["chain_of", "columns_of", "kept_task", "old_columns"]


@runtime_checkable
class HasChain(Protocol):
    """A fitted progressive network, all of whose columns are taken over."""

    def chain(self) -> list[FrozenColumn]:
        """Return all columns, the newest last."""


def old_columns(method: GrowsColumn, problems: Sequence[Problem]) -> list[FrozenColumn]:
    """Return the columns of all sources, in order; those of data are trained."""
    chain: list[FrozenColumn] = []
    for problem in problems:
        if isinstance(problem.source, Pretrained) or not chain:
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
    if isinstance(source, Pretrained) and isinstance(source.estimator, HasChain):
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
