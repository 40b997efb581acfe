"""Data from the command line: a source and a target, several tasks, descriptions of classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourfold.data.domain import Domain
from fourfold.data.rows import FrameRows
from fourfold.errors import DataError, ParameterError, some
from fourfold.frozen.store import Store
from fourfold.readers import read_classes, read_domain, read_domains
from fourfold.readers.media.decoded import DecodedRows
from fourfold.readers.texts import as_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.descriptions import Descriptions

__all__ = [
    "check_vectors",
    "read_all",
    "read_descriptions",
    "read_evaluated",
    "read_tasks",
    "read_transfer",
    "refuse_beside_tasks",
]


def read_transfer(
    source: Sequence[Path] | None,
    target: Path | None,
    evaluate: Path | None,
    label: str | None,
    classes: Path | None,
    vectors: Path | None,
) -> dict[str, Any]:
    """Read the data of a study of a source and a target, as keywords of ``Study``."""
    if not source or target is None:
        raise ParameterError("a study must be given --source and --target, or several --task")
    *sources, goal = read_all([*source, target], label, classes, vectors)
    rows = None if evaluate is None else read_domain(evaluate, label=label, like=goal)
    return {"source": sources, "target": goal, "evaluate": rows}


def read_all(
    paths: Sequence[Path], label: str | None, classes: Path | None, vectors: Path | None
) -> list[Domain]:
    """Read several domains together; the last is the target, which gets the descriptions."""
    check_vectors(classes, vectors)
    domains = read_domains(paths, label=label)
    if classes is not None:
        labels = next((domain.known for domain in domains if domain.n_labelled), None)
        domains[-1] = domains[-1].described(read_descriptions(classes, vectors, labels))
    return domains


def read_descriptions(
    classes: Path, vectors: Path | None, labels: NDArray[Any] | None = None
) -> Descriptions:
    """Read descriptions of classes, with names of the same type as the labels."""
    words = None
    if vectors is not None:
        from fourfold.readers.vectors import WordVectors

        words = WordVectors.open(vectors, store=Store.default())
    return read_classes(classes, vectors=words, labels=labels)


def check_vectors(classes: Path | None, vectors: Path | None) -> None:
    """Refuse word vectors without names of classes."""
    if vectors is not None and classes is None:
        raise ParameterError("--vectors must stand beside --classes, the names; got it without")


def refuse_beside_tasks(**given: object) -> None:
    """Refuse options of a source and a target beside tasks."""
    named = [f"--{name}" for name, value in given.items() if value]
    if named:
        raise ParameterError(
            "--task must stand without options of a source and a target; got "
            f"{', '.join(named)} beside it"
        )


def read_tasks(given: Sequence[str], label: str | None) -> dict[str, Domain]:
    """Read the file or folder of each task; pictures of all tasks get the size of the first.

    Parameters
    ----------
    given
        ``"NAME=PATH"`` of each task; several tasks may be columns of one table.
    label
        Column of the labels in every table. By default the column with the name of the task, while
        columns with the names of other tasks are left out.

    Raises
    ------
    ParameterError
        If a task is not given like that, or a name is given twice.
    FileError, DataError
        If a file cannot be used.
    """
    paths = _named(given, "--task")
    tasks: dict[str, Domain] = {}
    for name, path in paths.items():
        domain = _read(name, path, label, list(paths))
        like = next((other for other in tasks.values() if _same_medium(other, domain)), None)
        if like is not None:
            domain = read_domain(path, like=like, name=name)
        tasks[name] = domain
    return tasks


def read_evaluated(
    given: Sequence[str], tasks: dict[str, Domain], label: str | None
) -> dict[str, Domain]:
    """Read the rows to evaluate tasks on, ``"NAME=PATH"`` each, aligned with the tasks.

    Raises
    ------
    ParameterError
        If there is no such task.
    FileError, DataError
        If a file cannot be used.
    """
    evaluated: dict[str, Domain] = {}
    for name, path in _named(given, "--evaluate-task").items():
        if name not in tasks:
            raise ParameterError(
                f"--evaluate-task must name a task, {', '.join(tasks)}; got {name!r}"
            )
        evaluated[name] = (
            read_domain(path, like=tasks[name], name=name)
            if isinstance(tasks[name].rows, DecodedRows)
            else _read(name, path, label, list(tasks))
        )
    return evaluated


def _named(given: Sequence[str], option: str) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise ParameterError(f"{option} must be NAME=PATH; got {text!r}")
        if name in paths:
            raise ParameterError(f"{option} must name each task once; got {name!r} twice")
        paths[name] = Path(path)
    return paths


def _read(name: str, path: Path, label: str | None, names: list[str]) -> Domain:
    domain = read_domain(path, label=label or name, name=name)
    if not isinstance(domain.rows, FrameRows):
        return domain
    frame = domain.rows.frame
    if domain.y is None:
        columns = some(frame.columns)
        raise DataError(
            f"{path} must have a column {label or name!r} with the labels of task {name!r}"
            f"{'' if label else ', or one that --label names'}; its columns are {columns}"
        )
    others = [] if label else [column for column in frame.columns if column in names]
    if len(others) == frame.shape[1]:
        raise DataError(f"{path} must have columns besides the labels of tasks; got none")
    (rows,) = as_texts([path], [FrameRows(frame.drop(columns=others))])
    return Domain(rows, domain.y, name=name)


def _same_medium(one: Domain, other: Domain) -> bool:
    """Return whether both are decoded from files of one kind, and so can be given one size."""
    return one.rows.kind == other.rows.kind and isinstance(other.rows, DecodedRows)
