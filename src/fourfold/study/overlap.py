"""Rows to evaluate on that depend on learnt ones, and equal rows that must stay in one fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import pandas as pd

from fourfold.data.differences import input_difference
from fourfold.data.kinds import called
from fourfold.data.rows import hash_contents
from fourfold.errors import DataError, some
from fourfold.study.dependence import earlier_rows, later_rows, rows_of_groups

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.data.rows import Index, Rows

__all__ = ["Judged", "Overlap", "fellows", "find_overlap", "first_of_equals", "judged_apart"]

UNIQUE: Final = frozenset({"pictures", "sounds", "texts"})
"""Kinds of rows that are not equal by chance."""
COMMON: Final = 0.01
"""Share of repeated rows from which on other rows are equal by chance."""


@final
@dataclass(frozen=True)
class Overlap:
    """Labelled rows of a domain that equal labelled rows to learn from, or depend on them.

    Attributes
    ----------
    rows
        Their positions in the domain.
    of
        Roles of the domains with these rows to learn from, e.g. ``("target", "source")``.
    by_chance
        Share of rows that repeat another one of their domain, where it says that equal rows are
        common; 0 elsewhere.
    how
        What they are to these rows, in words.
    """

    rows: Index
    of: tuple[str, ...] = ()
    by_chance: float = 0.0
    how: str = "also"

    @property
    def where(self) -> str:
        """The rows to learn from, in words."""
        return f"labelled rows of the {' and of the '.join(self.of)}"


@final
class Judged(NamedTuple):
    """Rows to evaluate on, and sentences on those that depend on learnt ones."""

    rows: Domain | None
    notes: list[str]


def fellows(name: str, tasks: Mapping[str, Domain]) -> dict[str, list[Domain]]:
    """Return the domains that joint methods learn a task with, by role: those of like inputs."""
    own = tasks[name]
    others = [task for other, task in tasks.items() if other != name]
    alike = [task for task in others if not input_difference({"own": own, "other": task})]
    return {"task": [own], "other tasks": alike}


def judged_apart(
    evaluate: Domain | None, learnt: Mapping[str, Sequence[Domain]], *, allow: bool
) -> Judged:
    """Hide the labels of rows to evaluate on that depend on labelled rows to learn from.

    They equal one, are of the group of one, or come before one of the target.

    Parameters
    ----------
    learnt
        Role → domains, such as ``"target"`` and ``"source"``; those to be predicted come first.
    allow
        Whether such rows keep their labels.

    Raises
    ------
    DataError
        If no row is left, or a single class of several.
    """
    if evaluate is None:
        return Judged(None, [])
    left, notes = evaluate, []
    for find in (find_overlap, _of_known_groups, _too_early):
        found = find(left, learnt)
        if len(found.rows):
            left, note = _apart(left, found, allow=allow)
            notes.append(note)
    time, (_, *others) = left.annotations.time, learnt.values()
    if time is not None:
        first = float(time[left.labelled].min())
        notes += later_rows(first, [one for domains in others for one in domains])
    return Judged(left, notes)


def _of_known_groups(asked: Domain, learnt: Mapping[str, Sequence[Domain]]) -> Overlap:
    rows, of = rows_of_groups(asked, learnt)
    return Overlap(rows, of, how="of the groups of")


def _too_early(asked: Domain, learnt: Mapping[str, Sequence[Domain]]) -> Overlap:
    role, domains = next(iter(learnt.items()))
    return Overlap(earlier_rows(asked, domains), (role,), how="earlier than")


def _apart(evaluate: Domain, found: Overlap, *, allow: bool) -> tuple[Domain, str]:
    """Hide the labels of these rows, unless they may count; say so."""
    count = len(found.rows)
    both = f"{count} of {evaluate.n_labelled} rows to evaluate on are {found.how} {found.where}"
    if allow:
        return evaluate, f"{both}; they count, as allowed."
    if found.by_chance:
        why = f"{found.by_chance:.1%} of these data repeat another row of their own"
        return evaluate, f"{both}; they count, as equal rows are common: {why}."
    left = evaluate.hide(found.rows)
    kept = list(left.counts)
    if not left.n_labelled or len(kept) == 1 < len(evaluate.counts):
        alike = f", and the others are all {kept[0]!r}" if kept else ""
        raise DataError(
            f"{called(evaluate)}, to evaluate on, must have rows that are not learnt from; {count} "
            f"of {evaluate.n_labelled} are {found.how} {found.where}{alike}: bring others, or "
            "judge on them all the same, allow_overlap=True"
        )
    lost = [repr(label) for label in evaluate.counts if label not in left.counts]
    gone = f" None of class {some(lost, 4)} is left." if lost and not evaluate.measured else ""
    return left, f"{both}; they are left out of the scores.{gone}"


def find_overlap(asked: Domain, learnt: Mapping[str, Sequence[Domain]]) -> Overlap:
    """Return the labelled rows of a domain that equal labelled rows of others, by role.

    Rows are compared by content: pictures and sounds by their files, texts by their letters,
    numbers in single precision, tables by their columns, in whatever order and type these are.
    """
    pairs = [(role, one) for role, domains in learnt.items() for one in domains if one.n_labelled]
    if not pairs or not asked.n_labelled:
        return Overlap(np.empty(0, np.intp))
    own, *keys = _comparable([asked.rows, *(one.rows for _, one in pairs)])
    hits: dict[str, NDArray[np.bool_]] = {}
    for (role, one), known in zip(pairs, keys, strict=True):
        hit = np.isin(own, known[one.labelled]) & asked.labelled
        hits[role] = hits[role] | hit if role in hits else hit
    rows = np.flatnonzero(np.any(list(hits.values()), axis=0))
    of = tuple(role for role, hit in hits.items() if hit.any())
    return Overlap(rows, of, _by_chance([own, *keys], asked.rows.kind) if of else 0.0)


def first_of_equals(target: Domain, sources: Sequence[Domain]) -> Index:
    """Return for each labelled row the position, among these, of the first that equals it.

    It is the row's own where equal rows are common, (n_labelled,).
    """
    keys = [_bytes(domain.rows) for domain in (target, *sources)]
    own = keys[0][target.labelled]
    if _by_chance(keys, target.rows.kind):
        return np.arange(len(own))
    _, first, inverse = np.unique(own, return_index=True, return_inverse=True)
    return first[inverse]


def _by_chance(keys: Sequence[NDArray[Any]], kind: str) -> float:
    """Return the share of rows that repeat one of their domain; 0 if it is too small to matter."""
    if kind in UNIQUE:
        return 0.0
    repeated = sum(len(one) - len(np.unique(one)) for one in keys)
    share = repeated / sum(map(len, keys))
    return share if share >= COMMON else 0.0


# --- content of rows in different forms ----------------------------------------------------------


def _comparable(rows: Sequence[Rows]) -> list[NDArray[Any]]:
    """Return keys that are equal where rows of these domains are, (n,) each."""
    kinds, types = {one.kind for one in rows}, {one.dtype for one in rows}
    if kinds == {"table"}:
        return _table_keys([one.take(np.arange(one.n)) for one in rows])
    exact = len(kinds) == len(types) == 1 and "sparse" not in kinds
    if exact or kinds & {"texts", "table"}:
        return [_bytes(one) for one in rows]
    return [_number_keys(one) for one in rows]


def _bytes(rows: Rows) -> NDArray[np.bytes_]:
    """Return the keys of rows in a type that can be sorted."""
    return rows.keys.view("S16")


def _number_keys(rows: Rows) -> NDArray[np.bytes_]:
    """Hash rows of numbers of any type in single precision."""
    with np.errstate(over="ignore"):
        single = (np.asarray(part, np.float32).reshape(len(part), -1) + 0 for part in rows.blocks())
        return hash_contents(row.tobytes() for part in single for row in part).view("S16")


def _table_keys(frames: Sequence[pd.DataFrame]) -> list[NDArray[Any]]:
    """Hash the common columns of tables."""
    shared = [name for name in frames[0].columns if all(name in f.columns for f in frames)]
    columns = [_plain([frame[name] for frame in frames]) for name in shared]
    tables = [pd.DataFrame(dict(enumerate(own))) for own in zip(*columns, strict=True)]
    return [pd.util.hash_pandas_object(one, index=False).to_numpy() for one in tables]


def _plain(columns: Sequence[pd.Series[Any]]) -> list[NDArray[Any]]:
    """Convert a column of several tables to numbers in single precision, or else to words."""
    if all(pd.api.types.is_numeric_dtype(column) for column in columns):
        with np.errstate(over="ignore"):
            return [column.to_numpy(np.float32, na_value=np.nan) + 0 for column in columns]
    return [np.array([*map(_word, column.tolist())], object) for column in columns]


def _word(cell: Any) -> str:
    """Write a cell: nothing for a missing one, 3 for 3.0."""
    if pd.isna(cell):
        return ""
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)
