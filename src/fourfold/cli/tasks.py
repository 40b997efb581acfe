"""Data of several tasks from the command line: ``--task NAME=PATH``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourfold.data.domain import Domain
from fourfold.data.rows import FrameRows
from fourfold.errors import DataError, ParameterError
from fourfold.readers import read_domain
from fourfold.readers.decoded import DecodedRows
from fourfold.readers.texts import as_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["read_evaluated", "read_study_of_tasks", "read_tasks", "refuse_beside_tasks"]


def refuse_beside_tasks(**given: object) -> None:
    """Refuse options of a source and a target beside tasks."""
    named = [f"--{name}" for name, value in given.items() if value]
    if named:
        raise ParameterError(
            "--task must stand without options of a source and a target; got "
            f"{', '.join(named)} beside it"
        )


def read_study_of_tasks(
    given: Sequence[str], judged: Sequence[str] | None, label: str | None
) -> dict[str, Any]:
    """Read the data of a study of several tasks, as keywords of ``Study``."""
    tasks = read_tasks(given, label)
    return {"tasks": tasks, "evaluate": read_evaluated(judged, tasks, label) if judged else None}


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
        columns = ", ".join(map(str, frame.columns))
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
