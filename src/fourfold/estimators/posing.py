"""Posing: from a target and its sources to the problem that a method learns."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.core.serialization import to_plain
from fourfold.core.tasks import Classification, infer_task
from fourfold.data.domain import Domain
from fourfold.data.kinds import check_names
from fourfold.data.pooling import pool
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.inputs import Data, Inputs
from fourfold.estimators.model import Model
from fourfold.estimators.predicting import Predicts
from fourfold.estimators.preparing import fitted_to, labelled_rows
from fourfold.estimators.problem import Given, Labelled, Problem, SourceNetwork, Unlabelled
from fourfold.frozen.store import active
from fourfold.networks import Listener, builder_of, choose
from fourfold.networks.builder import Builder, as_body, reset_copy
from fourfold.networks.cut import Cut
from fourfold.preparation.base import Preparation
from fourfold.preparation.choose import TableView, TableViews, default_preparation
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.problem import ClassDescriptions, SourceOf
    from fourfold.frozen.frozen import Frozen
    from fourfold.preparation.tables.target_encoding import LabelledRows

__all__ = ["PosesProblem", "fit_task", "pose"]

KEPT_BYTES: Final = 1 << 30
"""Without a store, models of sources up to this size are kept."""


class PosesProblem(Predicts, ABC):
    """The choices of a method that turn domains into its problem.

    Parameters
    ----------
    prepare
        Preprocessing, fitted on both domains and applied to both; where there is no transfer,
        fitted on the target alone. It may learn from the labels of the source, or else of the
        target, and prepares each of their rows by the labels of others. In scikit-learn's
        ``FrozenEstimator``, one that is fitted already and stays as it is. None chooses by the
        data, and leaves inputs as they are for a network of the user's.
    """

    prepare: Preparation | FrozenEstimator | None = None

    uses_source: ClassVar[bool] = True
    """Whether the source takes part; no part of it reaches a baseline without transfer."""

    sources_in_turn: ClassVar[bool] = False
    """Whether several sources are taken one by one, as ``problem.chain``, and not pooled."""

    @property
    def network(self) -> Any:
        """The network that the user asked for; a parameter where a method has one."""
        return None

    @property
    def takes_network(self) -> bool:
        """Whether it builds on a whole network, with the inputs that this had."""
        return False

    def recipe_for(self, task: Task, network: Recipe | None = None) -> Recipe:
        """Return the recipe of its trainings, beside that of a trained network, if there is one."""
        del task, network
        return Recipe()

    def describe_classes(self, given: Given) -> ClassDescriptions | None:
        """Return descriptions of the classes, where the method recognizes them by these."""
        del given
        return None

    @abstractmethod
    def infer_task(self, given: Given, classes: ClassDescriptions | None) -> Task:
        """Return the target's task, fitted."""

    def infer_source_task(self, source: Domain, given: Given, task: Task) -> Task | None:
        """Return the source's task, fitted; None where its labels are not used."""
        del source, given, task
        return None

    @property
    def table_view(self) -> TableView:
        """The view in which it takes the rows of a table."""
        return "words"

    def choose_preparation(self, rows: Sequence[Rows], *, user_network: bool) -> Preparation:
        """Choose a preparation, not yet fitted, for all domains' rows."""
        return default_preparation(*rows, user_network=user_network)

    def choose_network(self, shape: tuple[int, ...]) -> Builder:
        """Choose a network for rows of a shape, where none is asked for, nor frames."""
        return choose(shape)

    def check_for(self, task: Task, prepare: Preparation) -> None:
        """Refuse parameters that do not suit a task, or rows behind a fitted preparation."""
        del task, prepare

    def build_head(self, task: Task, width: int) -> nn.Module:
        """Build a fresh head on features (B, width); a method may have its own."""
        return task.head(width)


def pose(
    method: PosesProblem, target: Domain, sources: Sequence[Domain | SourceNetwork]
) -> Problem:
    """Prepare all that a method learns from, or refuse it before any training."""
    name = type(method).__name__
    if not method.uses_source:  # of a trained network only its architecture is used
        sources = [one for one in sources if isinstance(one, SourceNetwork)]
    groups = [[one] for one in sources] if method.sources_in_turn else [list(sources)]
    parts = [_pooled_or_pretrained(name, group) for group in groups if group]
    domains = [one for one in parts if isinstance(one, Domain)]
    pretrained = _leading([one for one in parts if isinstance(one, SourceNetwork)])
    given = Given(target, next(iter(domains), None), pretrained)
    classes = method.describe_classes(given)
    task = method.infer_task(given, classes)
    if task.ragged and not method.needs.transcripts:
        raise DataError(f"{name} must have one label a row to learn; got transcripts")
    if method.needs.classes and not (isinstance(task, Classification) or task.ragged):
        raise DataError(
            f"{name} must have classes to learn; got a {task.kind}'s labels ({type(task).__name__})"
        )
    tasks = [
        method.infer_source_task(one, given, task) if isinstance(one, Domain) else None
        for one in parts
    ]
    learnt = [(d, own) for d, own in zip(parts, tasks, strict=True) if isinstance(d, Domain)]
    prepare, frozen, labels = _prepare(method, [*learnt, (target, task)], pretrained)
    if isinstance(prepare, TableViews) and method.table_view != "trees":
        raise ParameterError(
            f"prepare of {name} must give a number for every cell; got TableViews, whose features "
            "for trees may be missing"
        )
    method.check_for(task, prepare)
    inputs, rows = Inputs.for_rows(name, prepare, frozen, target.rows, labels)
    network = _network(method, pretrained, inputs.shape, task)
    trained = network
    if method.uses_source and pretrained is not None and pretrained.builder is not None:
        trained = pretrained.builder
    recipe = method.recipe_for(task, trained.recipe if isinstance(trained, Builder) else None)
    pairs = zip(parts, tasks, strict=True) if method.uses_source else ()
    made = [_source(part, own, inputs, labels, recipe) for part, own in pairs]
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


def fit_task(task: Task | None, labels: Domain, *beside: Domain) -> Task:
    """Fit a copy of the task that was asked for, or else of the one that the labels imply.

    Labels of domains beside these may settle what few ones leave open.
    """
    check_names(labels, *beside)
    fitted = (clone(task) if task is not None else infer_task(labels, *beside)).fit(labels)
    if isinstance(fitted, Classification) and len(fitted.classes_) < 2:
        raise DataError(
            f"labels of {labels.name or 'the domain'} must be of at least two classes; got one "
            f"class, {fitted.classes_.tolist()[0]!r}"
        )
    return fitted


def _pooled_or_pretrained(
    name: str, sources: Sequence[Domain | SourceNetwork]
) -> Domain | SourceNetwork:
    """Pool domains; a pretrained network stands alone."""
    domains = [one for one in sources if isinstance(one, Domain)]
    if len(domains) == len(sources):
        return pool(domains)
    if len(sources) > 1:
        raise ParameterError(
            f"source of {name} must be Domains or one trained model; got {len(sources)} sources, "
            f"of which {len(domains)} are Domains"
        )
    return sources[0]


def _leading(pretrained: Sequence[SourceNetwork]) -> SourceNetwork | None:
    """Return the source whose preparation is taken over; others must have the same."""
    prepared = [one for one in pretrained if one.inputs is not None]
    paths = {one.inputs.path for one in prepared if one.inputs is not None}
    if len(paths) > 1:
        raise ParameterError(
            "trained sources must share one preparation of their inputs; got "
            f"{len(paths)} different ones: fit them with the same prepare=FrozenEstimator(...)"
        )
    return next(iter([*prepared, *pretrained]), None)


def _prepare(
    method: PosesProblem,
    learnt: Sequence[tuple[Domain, Task | None]],
    pretrained: SourceNetwork | None,
) -> tuple[Preparation, Frozen | None, LabelledRows | None]:
    """Fit a preparation on all domains, or take over a pretrained network's.

    It learns from the labels of the first domain that has some; these are returned, too. A baseline
    without transfer takes over frozen layers alone, and fits a preparation of their kind anew.
    """
    above, network = None if pretrained is None else pretrained.inputs, method.network
    if above is not None and method.uses_source:
        return above.prepare, above.frozen, None
    rows = [domain.rows for domain, _ in learnt]
    bare = pretrained is not None and method.uses_source
    below = network.frozen if isinstance(network, Cut) else None
    chosen = method.prepare
    if network is None and above is not None and above.frozen is not None:
        below, chosen = above.frozen, chosen or above.prepare
    own = isinstance(network, nn.Module)
    named = builder_of(network, ()) if isinstance(network, (str, Builder)) else None
    if pretrained is not None and pretrained.builder is not None and network is None:
        named = pretrained.builder
    if named is not None and chosen is None and method.takes_network:
        chosen = named.preparation(rows)
    bare = bare and named is None
    chosen = chosen or method.choose_preparation(rows, user_network=own or bare)
    known = (labelled_rows(d, task) for d, task in learnt if task is not None and d.n_labelled)
    prepare, labels = fitted_to(rows, chosen, next(known, None))
    return prepare, below, labels


def _network(
    method: PosesProblem, pretrained: SourceNetwork | None, shape: tuple[int, ...], task: Task
) -> Builder | nn.Module | None:
    """Return the builder of fresh networks; None where there is only a bare source.

    For transcription they are of frames.
    """
    own = method.network.rest if isinstance(method.network, Cut) else method.network
    mine = own is not None and (method.sources_in_turn or not method.uses_source)
    if pretrained is not None and pretrained.builder is not None and not mine:
        return pretrained.builder.untrained()  # fresh networks have random weights
    if pretrained is not None and pretrained.inputs is None and not method.uses_source and not own:
        return reset_copy(pretrained.model.body)
    if pretrained is not None and not mine:
        return pretrained.model.builder or (own if isinstance(own, nn.Module) else None)
    if own is None:
        return Listener() if task.ragged else method.choose_network(shape)
    found = own if isinstance(own, nn.Module) else builder_of(own, shape)
    if isinstance(found, Builder) and found.frames_in(shape) != task.ragged:
        raise ParameterError(
            "network must give features of each frame, as Listener does, for transcripts, and of "
            f"each row for other labels; got {type(found).__name__} for a {task.kind}"
        )
    return found


def _source(
    part: Domain | SourceNetwork,
    own: Task | None,
    inputs: Inputs,
    labels: LabelledRows | None,
    recipe: Recipe,
) -> SourceOf:
    """Prepare one source, as data or as a network on rows as they come here."""
    if isinstance(part, SourceNetwork):
        if part.inputs is not None:
            return part
        if part.builder is not None:
            body = inputs.under(part.builder.build(inputs.shape))
            return replace(part, model=Model(body, nn.Identity()))
        (network,) = part.model.body.children()  # a bare one: the preparation is put below it
        return SourceNetwork(Model(inputs.under(as_body(network, inputs.shape)), part.model.head))
    rows, digest = inputs.ready(part.rows, labels), _digest(part)
    if own is None:
        return Unlabelled(Data.of(part, rows, torch.zeros(part.n_rows)), digest)
    return Labelled(inputs.data(part, rows, own, recipe), own, digest)


def _digest(source: Domain) -> Callable[[], str] | None:
    """Return the source's digest, to be asked for; None where models of it are not kept."""
    if active() is None and source.n_rows * source.rows.row_bytes > KEPT_BYTES:
        return None
    return lambda: source.digest
