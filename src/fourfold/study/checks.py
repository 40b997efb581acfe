"""What a study refuses before anything is trained, in a sentence that names the pile at fault."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from fourfold import networks
from fourfold.core.process import seeded
from fourfold.core.tasks import Classification, infer_task
from fourfold.data.domain import pool
from fourfold.errors import DataError, FileError, ParameterError
from fourfold.networks.builder import Builder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.preparation.choose import Preparation

__all__ = [
    "check_choice",
    "check_classes",
    "check_folder",
    "check_network",
    "check_numbers",
    "fit_preparation",
    "write_error",
]


def check_classes(
    task: Task, sources: Sequence[Domain], target: Domain, evaluate: Domain | None
) -> None:
    """Refuse labels that are all the same, or to evaluate on, of which no model can know."""
    source = pool(sources) if sources else None
    source_task = infer_task(source) if source is not None and source.n_labelled else task
    for domain, kind in ((source, source_task), (target, task), (evaluate, task)):
        if domain is None or not domain.n_labelled or not isinstance(kind, Classification):
            continue
        if len(domain.counts) < 2:
            (only,) = domain.counts
            raise DataError(
                f"labels of {_called(domain)} must be of at least two classes; got only {only!r}"
            )
    if evaluate is not None and isinstance(task, Classification):
        known = {str(label) for domain in (*sources, target) for label in domain.counts}
        unknown = [str(label) for label in evaluate.counts if str(label) not in known]
        if unknown:
            raise DataError(
                f"each class of {_called(evaluate)}, to evaluate on, must have an example in the "
                f"source or the target; got none of {', '.join(unknown[:4])}"
            )


def check_choice(task: Task, folds: int) -> None:
    """Refuse what a model could not be chosen by."""
    if not folds and not isinstance(task, Classification):
        raise DataError(
            f"the target must have at least 4 labels where they are no classes ({task.kind}), to "
            "choose a model by"
        )


def fit_preparation(
    chosen: Preparation, learnt: Sequence[Domain], *asked: Domain | None
) -> Preparation:
    """Fit a preparation on some domains; refuse rows, also of those that are asked about later.

    Raises
    ------
    DataError
        If rows cannot be used; the message names the domain.
    """
    try:
        fitted: Preparation = clone(chosen).fit(*[domain.rows for domain in learnt])
    except DataError:
        for domain in learnt:  # which of them is it?
            _naming(domain, lambda domain=domain: clone(chosen).fit(domain.rows))
        raise
    for domain in (*learnt, *(domain for domain in asked if domain is not None)):
        _naming(domain, lambda domain=domain: fitted.check_rows(domain.rows))
    return fitted


def check_network(network: Any, shape: tuple[int, ...]) -> None:
    """Build a network that was asked for once, so that one that cannot be is refused now."""
    if isinstance(network, (str, Builder)):
        with seeded(0):
            networks.builder_of(network, shape).build(shape)


def check_numbers(**given: int) -> None:
    """Refuse numbers of seeds, folds, jobs or threads that are too small."""
    for name, value in given.items():
        fewest = 2 if name == "folds" else 1
        if value < fewest:
            raise ParameterError(f"{name} must be at least {fewest}; got {value}")


def check_folder(folder: Path) -> None:
    """Make a folder, and try whether it can be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise write_error(folder, "a folder to write to", error) from error


def write_error(path: Path, what: str, error: OSError) -> FileError:
    """Say that something could not be written, and why, without the path again."""
    why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror or error
    return FileError(f"{path} must be {what}; got: {why}")


def _naming(domain: Domain, check: Any) -> None:
    """Run a check, and let its error name the domain."""
    try:
        check()
    except DataError as error:
        raise DataError(f"{_called(domain)}: {error}") from error


def _called(domain: Domain) -> str:
    return domain.name or "the data"
