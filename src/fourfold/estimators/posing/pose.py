"""From a target and its sources to the problem that a method learns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from fourfold.core.serialization import to_plain
from fourfold.core.tasks import Classification, infer_task
from fourfold.data.domain import Domain
from fourfold.data.kinds import check_names
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.inputs import Inputs
from fourfold.estimators.posing.parts import (
    fresh_network,
    leading,
    pooled_or_pretrained,
    posed_source,
    prepare_inputs,
)
from fourfold.estimators.problem import Given, Problem, SourceNetwork
from fourfold.networks.builder import Builder
from fourfold.preparation.choose import TableViews

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from fourfold.core.tasks import Task
    from fourfold.estimators.posing.choices import PosesProblem
    from fourfold.preparation.base import Preparation

__all__ = ["check_several", "fit_task", "pose"]


def pose(
    method: PosesProblem, target: Domain, sources: Sequence[Domain | SourceNetwork]
) -> Problem:
    """Prepare all that a method learns from, or refuse it before any training."""
    name = type(method).__name__
    if not method.uses_source:  # of a trained network only its architecture is used
        sources = [one for one in sources if isinstance(one, SourceNetwork)]
    groups = [[one] for one in sources] if method.sources_in_turn else [list(sources)]
    parts = [pooled_or_pretrained(name, group) for group in groups if group]
    domains = [one for one in parts if isinstance(one, Domain)]
    pretrained = leading([one for one in parts if isinstance(one, SourceNetwork)])
    given = Given(target, next(iter(domains), None), pretrained)
    classes = method.describe_classes(given)
    task = method.infer_task(given, classes)
    _check_task(method, task)
    tasks = [
        method.infer_source_task(one, given, task) if isinstance(one, Domain) else None
        for one in parts
    ]
    learnt = [(d, own) for d, own in zip(parts, tasks, strict=True) if isinstance(d, Domain)]
    prepare, frozen, labels = prepare_inputs(method, [*learnt, (target, task)], pretrained)
    _check_view(method, prepare)
    method.check_for(task, prepare)
    inputs, rows = Inputs.for_rows(name, prepare, frozen, target.rows, labels)
    network = fresh_network(method, pretrained, inputs.shape, task)
    trained = network
    if method.uses_source and pretrained is not None and pretrained.builder is not None:
        trained = pretrained.builder
    recipe = method.recipe_for(task, trained.recipe if isinstance(trained, Builder) else None)
    pairs = zip(parts, tasks, strict=True) if method.uses_source else ()
    made = [posed_source(part, own, inputs, labels, recipe) for part, own in pairs]
    return Problem(
        task=task,
        target=inputs.data(target, rows, task, recipe),
        source=tuple(made) if method.sources_in_turn else next(iter(made), None),
        inputs=inputs,
        network=network,
        recipe=recipe,
        seed=method.random_state,
        head=lambda width: method.build_head(task, width),
        setting=json.dumps(to_plain(method.task_setting)),
        classes=classes,
    )


def _check_task(method: PosesProblem, task: Task) -> None:
    """Refuse a task of a kind that the method cannot learn."""
    name = type(method).__name__
    if task.ragged and not method.needs.transcripts:
        raise DataError(f"{name} must have one label a row to learn; got transcripts")
    if method.needs.classes and not (isinstance(task, Classification) or task.ragged):
        raise DataError(
            f"{name} must have classes to learn; got a {task.kind}'s labels ({type(task).__name__})"
        )


def _check_view(method: PosesProblem, prepare: Preparation) -> None:
    """Refuse features for trees where they would not reach any."""
    if isinstance(prepare, TableViews) and method.table_view != "trees":
        raise ParameterError(
            f"prepare of {type(method).__name__} must give a number for every cell; got "
            "TableViews, whose features for trees may be missing"
        )


def fit_task(task: Task | None, labels: Domain, *beside: Domain) -> Task:
    """Fit a copy of the task that was asked for, or else of the one that the labels imply.

    Labels of domains beside these may settle what few ones leave open.
    """
    check_names(labels, *beside)
    fitted = (clone(task) if task is not None else infer_task(labels, *beside)).fit(labels)
    if isinstance(fitted, Classification):
        check_several(labels, fitted.classes_.tolist())
    return fitted


def check_several(labels: Domain, classes: Collection[Any]) -> None:
    """Refuse labels of a single class."""
    if len(classes) == 1:
        raise DataError(
            f"labels of {labels.name or 'the domain'} must be of at least two classes; got one "
            f"class, {next(iter(classes))!r}"
        )
