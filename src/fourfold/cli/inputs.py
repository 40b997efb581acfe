"""Data from the command line: a source and a target, several tasks, descriptions of classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from fourfold.cli.trained import saved_source
from fourfold.core.process import release_memory
from fourfold.data.schema import Hints
from fourfold.errors import DataError, ParameterError, some
from fourfold.frozen.store import Store
from fourfold.preparation.tables.preparation import TablePreparation
from fourfold.readers import read_classes, read_domain, read_domains
from fourfold.readers.media.decoded import DecodedRows
from fourfold.readers.parts import is_rows, is_table
from fourfold.readers.schemas import read_schema, write_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.descriptions import Descriptions
    from fourfold.data.domain import Domain
    from fourfold.data.schema import Schema

__all__ = [
    "Reading",
    "check_vectors",
    "forget",
    "preparation",
    "read_descriptions",
    "read_evaluated",
    "read_tasks",
    "read_transfer",
    "refuse_beside_tasks",
]


@final
@dataclass(frozen=True)
class Reading:
    """Hints on data, a file of their schema, and one to write it to."""

    hints: Hints
    schema: Path | None = None
    write_schema: Path | None = None

    @property
    def says_something(self) -> bool:
        """Whether anything is said."""
        return self != NOTHING_SAID

    def domains(self, paths: Sequence[Path], *, described: bool = False) -> list[Domain]:
        """Read several files or folders together; labels of described classes are classes."""
        hints = self.hints
        if described and hints.label_type is None:
            hints = replace(hints, label_type="classes")
        given = None if self.schema is None else read_schema(self.schema)
        domains = read_domains(paths, schema=given, hints=hints)
        labels = self.hints.label_type is not None or self.hints.missing_label is not None
        if labels and all(domain.y is None for domain in domains):
            raise ParameterError(
                "--label-type and --missing-label must stand beside labels; got none in "
                f"{some(paths)}"
            )
        self.write(domains[0].schema)
        return domains

    def write(self, schema: Schema | None) -> None:
        """Write the schema where that was asked for."""
        if self.write_schema is not None:
            if schema is None:
                raise ParameterError(
                    "--write-schema must stand beside tables, or --layout; got neither"
                )
            write_schema(schema, self.write_schema)


NOTHING_SAID: Final = Reading(Hints(joined=True))


def forget(data: dict[str, Any]) -> None:
    """Let go of data, of which a study holds the rows that it learns from."""
    data.clear()
    release_memory()


def read_transfer(
    reading: Reading,
    source: Sequence[Path] | None,
    target: Path | None,
    evaluate: Path | None,
    classes: Path | None,
    vectors: Path | None,
    *,
    trained: bool = False,
) -> dict[str, Any]:
    """Read the data of a study of a source and a target, as keywords of ``Study``.

    The source may be the folder of a saved model, or left out beside a trained network.
    """
    model = saved_source(source)
    files = [] if model is not None else list(source or ())
    if not (files or trained or model is not None) or target is None:
        given = [] if not source and target is None else ["--source" if source else "--target"]
        raise ParameterError(
            "--source and --target must be given together, or several --task; got "
            f"{'only ' if given else 'neither'}{''.join(given)}"
        )
    check_vectors(classes, vectors)
    described = classes is not None
    paths = [*files, target]
    beside = [evaluate] if evaluate is not None and is_rows(evaluate) else []
    domains = reading.domains([*paths, *beside], described=described)
    judged = domains.pop() if beside else None
    *sources, goal = domains
    if evaluate is not None and judged is None:
        judged = read_domain(evaluate, like=goal)
    if classes is not None:
        known = [*domains, *filter(None, [judged])]
        labels = next((domain.known for domain in known if domain.n_labelled), None)
        alone = trained and not files
        goal = goal.described(read_descriptions(classes, vectors, labels, named_alone=alone))
    taken: Any = sources or None if model is None else model
    return {"source": taken, "target": goal, "evaluate": judged}


def preparation(max_categories: int | None, data: Mapping[str, Any]) -> TablePreparation | None:
    """Return the preparation of tables that options ask for; None without any."""
    if max_categories is None:
        return None
    domains = list(data["tasks"].values()) if "tasks" in data else [data["target"]]
    for domain in domains:
        if domain.rows.kind != "table":
            raise ParameterError(
                f"--max-categories must stand beside tables; got it beside {domain.rows.kind}"
            )
    return TablePreparation(max_categories=max_categories)


def read_descriptions(
    classes: Path,
    vectors: Path | None,
    labels: NDArray[Any] | None = None,
    *,
    named_alone: bool = False,
) -> Descriptions:
    """Read descriptions of classes, or names alone, of the same type as the labels."""
    words = None
    if vectors is not None:
        from fourfold.readers.vectors import WordVectors

        words = WordVectors.open(vectors, store=Store.default())
    return read_classes(classes, vectors=words, labels=labels, named_alone=named_alone)


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


def read_tasks(given: Sequence[str], reading: Reading = NOTHING_SAID) -> dict[str, Domain]:
    """Read the file or folder of each task; pictures of all tasks get the size of the first.

    Parameters
    ----------
    given
        ``"NAME=PATH"`` of each task; several tasks may be columns of one table.
    reading
        How tables are read. Without a label in it, each task's is the column with its name, while
        columns with the names of other tasks are left out.

    Raises
    ------
    ParameterError
        If a task is not given like that, or a name is given twice.
    FileError, DataError
        If a file cannot be used.
    """
    paths = _named(given, "--task")
    shared = _together(paths, reading)
    if shared is not None:
        hints = replace(reading.hints, columns=shared.columns)
        reading = replace(reading, hints=hints)
    tasks: dict[str, Domain] = {}
    for name, path in paths.items():
        domain = _noting_once(_read(name, path, reading, list(paths)), shared, first=not tasks)
        like = next((other for other in tasks.values() if _same_medium(other, domain)), None)
        if like is not None:
            domain = read_domain(path, like=like, name=name)
        tasks[name] = domain
    if reading.write_schema is not None:
        raise ParameterError("--write-schema must stand beside --source and --target; got --task")
    return tasks


def read_evaluated(
    given: Sequence[str], tasks: dict[str, Domain], reading: Reading = NOTHING_SAID
) -> dict[str, Domain]:
    """Read the rows to evaluate tasks on, ``"NAME=PATH"`` each, by the tasks' schemas.

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
        evaluated[name] = read_domain(path, like=tasks[name], name=name)
        _check_labelled(name, path, evaluated[name], reading)
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


def _together(paths: Mapping[str, Path], reading: Reading) -> Schema | None:
    """Settle the columns of tables over all tasks; None where they have not the same ones."""
    files = list(dict.fromkeys(paths.values()))
    if len(files) < 2 or not all(map(is_table, files)):
        return None
    labels = dict.fromkeys(reading.hints.label or paths, "label of a task")
    hints = replace(reading.hints, label=(), ignore=labels)
    given = None if reading.schema is None else read_schema(reading.schema)
    try:
        shared = read_domains(files, schema=given, hints=hints)[0].schema
    except DataError:  # each then tells what is wrong, or has columns of its own
        return None
    if shared is None:
        return None
    columns = {name: column for name, column in shared.columns.items() if name not in labels}
    notes = tuple(note for note in shared.notes if note.option != "label")
    return replace(shared, columns=columns, notes=notes)


def _noting_once(domain: Domain, shared: Schema | None, *, first: bool) -> Domain:
    """Give remarks on the columns of all tasks to the first one alone."""
    if shared is None or domain.schema is None:
        return domain
    own = [note for note in domain.schema.notes if note.about not in shared.columns]
    said = (*own, *(shared.notes if first else ()))
    return domain.with_rows(domain.rows, replace(domain.schema, notes=said))


def _read(name: str, path: Path, reading: Reading, names: list[str]) -> Domain:
    hints = reading.hints
    if not hints.label and is_table(path):
        others = {other: "label of another task" for other in names if other != name}
        hints = replace(hints, label=(name,), ignore=others)
    schema = None if reading.schema is None else read_schema(reading.schema)
    domain = read_domain(path, name=name, schema=schema, hints=hints)
    _check_labelled(name, path, domain, reading)
    return domain


def _check_labelled(name: str, path: Path, domain: Domain, reading: Reading) -> None:
    if domain.schema is None or not domain.schema.columns or domain.y is not None:
        return
    label = reading.hints.label
    raise DataError(
        f"{path} must have a column {', '.join(label) or name!r} with the labels of task {name!r}"
        f"{'' if label else ', or one that --label names'}; its columns are "
        f"{some(domain.schema.columns)}"
    )


def _same_medium(one: Domain, other: Domain) -> bool:
    """Return whether both are decoded from files of one kind, and so can be given one size."""
    return one.rows.kind == other.rows.kind and isinstance(other.rows, DecodedRows)
