"""Several tasks from the command line: ``--task NAME=PATH``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fourfold.data.domain import Domain
from fourfold.data.rows import FrameRows
from fourfold.errors import DataError, ParameterError
from fourfold.readers import read_domain
from fourfold.readers.decoded import DecodedRows
from fourfold.readers.texts import as_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["read_evaluated", "read_tasks"]


def read_tasks(given: Sequence[str], label: str | None) -> dict[str, Domain]:
    """Read each task's file or folder; pictures of all tasks get the size of the first's.

    Parameters
    ----------
    given
        ``"NAME=PATH"`` each; several tasks may lie in one table.
    label
        The column of every table with its labels; None: the one that is called as its task, and
        columns that are called as other tasks are left out.

    Raises
    ------
    ParameterError
        If that is not how a task is given, or a name is given twice.
    FileError, DataError
        If a file cannot be used.
    """
    paths = _named(given, "--task")
    tasks: dict[str, Domain] = {}
    for name, path in paths.items():
        domain = _read(name, path, label, list(paths))
        like = next((one for one in tasks.values() if _same_medium(one, domain)), None)
        if like is not None:
            domain = read_domain(path, like=like, name=name)
        tasks[name] = domain
    return tasks


def read_evaluated(
    given: Sequence[str], tasks: dict[str, Domain], label: str | None
) -> dict[str, Domain]:
    """Read rows to judge tasks on, ``"NAME=PATH"`` each, in the form of the tasks' own.

    Raises
    ------
    ParameterError
        If there is no such task.
    FileError, DataError
        If a file cannot be used.
    """
    judged: dict[str, Domain] = {}
    for name, path in _named(given, "--evaluate-task").items():
        if name not in tasks:
            raise ParameterError(
                f"--evaluate-task must name a task, {', '.join(tasks)}; got {name!r}"
            )
        judged[name] = (
            read_domain(path, like=tasks[name], name=name)
            if isinstance(tasks[name].rows, DecodedRows)
            else _read(name, path, label, list(tasks))
        )
    return judged


def _named(given: Sequence[str], option: str) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not (name and equals and path):
            raise ParameterError(f"{option} must be NAME=PATH; got {one!r}")
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
    """Tell whether both are decoded from files of one kind, and so can be given one size."""
    return one.rows.kind == other.rows.kind and isinstance(other.rows, DecodedRows)
