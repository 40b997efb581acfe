"""Checks of a study's data and options before anything is trained."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.base import clone
from torch import nn

from fourfold import networks
from fourfold.core.process import seeded
from fourfold.core.tasks import Regression, infer_task
from fourfold.data.kinds import called, kind_difference
from fourfold.data.labels import shown_label
from fourfold.data.pooling import pool
from fourfold.errors import DataError, ParameterError, one_line
from fourfold.networks.builder import Builder
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.data.rows import Rows
    from fourfold.preparation.choose import Preparation

__all__ = [
    "check_classes",
    "check_limits",
    "check_network",
    "check_numbers",
    "check_shared",
    "fit_preparation",
    "named",
]

FEW: Final = 32
"""Rows of which two are hardly ever all equal, unless every row is."""


def check_classes(
    task: Task, sources: Sequence[Domain], target: Domain, evaluate: Domain | None
) -> None:
    """Refuse labels of a single class or number, and classes to evaluate on without any example."""
    source = pool(sources) if sources else None
    if evaluate is not None and (difference := _difference(evaluate, [target, *sources])):
        raise DataError(
            f"labels of {called(evaluate)}, to evaluate on, must be of the kind that is learnt; "
            f"got {difference}"
        )
    source_task = infer_task(source, target) if source is not None and source.n_labelled else task
    for domain, kind in ((source, source_task), (target, task), (evaluate, task)):
        if domain is None or not domain.n_labelled:
            continue
        if isinstance(kind, Regression):
            Regression().fit(domain)  # refuses labels that are all the same
        if not kind.has_classes:
            continue
        if len(domain.counts) < 2:
            (only,) = domain.counts
            raise DataError(
                f"labels of {called(domain)} must be of at least two classes; got only "
                f"{shown_label(only)}"
            )
    if evaluate is not None and task.has_classes and not task.beyond:
        known = {str(label) for domain in (*sources, target) for label in domain.counts}
        unknown = [str(label) for label in evaluate.counts if str(label) not in known]
        if unknown:
            remedy = "" if target.n_labelled else " (open_set=True lets them be unknown)"
            raise DataError(
                f"each class of {called(evaluate)}, to evaluate on, must have an example in the "
                f"source or the target; got none of {', '.join(unknown[:4])}{remedy}"
            )


def _difference(evaluate: Domain, learnt: Sequence[Domain]) -> str:
    """Describe the difference between labels to evaluate on and those that are learnt."""
    first = next((domain for domain in learnt if domain.n_labelled), evaluate)
    return kind_difference(first, evaluate)


def fit_preparation(
    chosen: Preparation, learnt: Sequence[Domain], *asked: Domain | None
) -> Preparation:
    """Fit a preparation on training domains, and refuse unusable rows of any domain.

    Raises
    ------
    DataError
        If rows cannot be used, or are all equal once they are prepared; the message names the
        domain.
    """
    try:
        fitted: Preparation = clone(chosen).fit(*[domain.rows for domain in learnt])
    except DataError:
        for domain in learnt:  # which of them is it?
            with _naming(domain):
                clone(chosen).fit(domain.rows)
        raise
    for domain in (*learnt, *(domain for domain in asked if domain is not None)):
        with _naming(domain):
            fitted.check_rows(domain.rows)
    for domain in learnt:
        with _naming(domain):
            _check_differ(domain.rows, fitted)
    return fitted


def _check_differ(rows: Rows, fitted: Preparation) -> None:
    """Refuse rows that are all equal once they are prepared; a few tell that they are not."""
    for some in (rows.subset(rows.draw(FEW)), rows):
        prepared = fitted.transform(some)
        first = prepared.take(np.arange(1))
        if rows.n < 2 or any((block != first).any() for block in prepared.blocks()):
            return
    raise DataError(
        f"rows must differ once they are prepared; got {rows.n} equal ones of "
        f"{one_line(fitted.describe(), 80)}"
    )


def check_shared(*, methods: object, network: object, recipe: object) -> None:
    """Refuse a network or a recipe that no method could take, and a bare name of a method."""
    if isinstance(methods, str):
        raise ParameterError(f"methods must be a list of names or estimators; got {methods!r}")
    if not (network is None or isinstance(network, (nn.Module, Builder, str))):
        raise ParameterError(
            f"network must be a module, a Builder or a name; got {type(network).__name__}"
        )
    if not (recipe is None or isinstance(recipe, (Recipe, Mapping))):
        raise ParameterError(
            f"recipe must be a Recipe, or a mapping of what to change; got {type(recipe).__name__}"
        )


def check_network(network: object, shape: tuple[int, ...], *, spoken: bool = False) -> None:
    """Build a named network once, to refuse one that does not fit rows of this shape.

    Those of speech to transcribe need features of each frame.
    """
    if isinstance(network, (str, Builder)):
        builder = networks.builder_of(network, shape)
        if builder.frames_in(shape) != spoken:
            needed = "each frame, as 'listener' gives them" if spoken else "each row"
            raise ParameterError(
                f"network must give features of {needed}; got {type(builder).__name__}"
            )
        with seeded(0):
            builder.build(shape)


def check_numbers(**given: object) -> None:
    """Refuse numbers of seeds, folds, jobs or threads that are too small, or no whole numbers."""
    for name, value in given.items():
        fewest = 2 if name == "folds" else 1
        if not isinstance(value, (int, np.integer)):
            raise ParameterError(f"{name} must be a whole number; got {value!r}")
        if value < fewest:
            raise ParameterError(f"{name} must be at least {fewest}; got {value}")


def check_limits(*, jobs: object, minutes: object) -> None:
    """Refuse limits that nothing could be done within."""
    if jobs is not None:
        check_numbers(jobs=jobs)
    if minutes is not None and not (isinstance(minutes, (int, float)) and minutes > 0):
        raise ParameterError(f"minutes must be a number above 0; got {minutes!r}")


@contextmanager
def _naming(domain: Domain) -> Iterator[None]:
    """Name the domain in errors of its rows."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{domain.name or 'the data'}: {error}") from error


def named(domain: Domain, name: str) -> Domain:
    """Return the same domain, with its task's name where it has none."""
    if domain.name:
        return domain
    copied = copy.copy(domain)
    copied.name = name
    return copied
