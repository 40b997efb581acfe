"""Labels beside arrays and files: one type over all domains, without a table around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fourfold.data.labels import composed, read_labels
from fourfold.data.schema.cells import as_word
from fourfold.data.schema.inference.strings import spellings
from fourfold.data.schema.labels import YES, Labels, LabelType
from fourfold.data.schema.notes import Note, joined
from fourfold.data.schema.schema import Schema
from fourfold.errors import DataError, ParameterError, one_line, some

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from fourfold.data.schema.hints import Hints

__all__ = ["Plain", "mark_of", "settle_plain"]


class Plain(NamedTuple):
    """Labels of one domain: its name, (n,) or (n, m) values, and the mark of missing ones."""

    name: str
    y: NDArray[Any]
    missing: object = "auto"


def mark_of(missing: object, hints: Hints) -> object:
    """Return the mark of missing labels beside arrays; None where there is none.

    Raises
    ------
    ParameterError
        If hints say several.
    """
    if hints.missing_label is None:
        return missing
    marks = [mark for mark in hints.missing_label if mark]
    if len(marks) > 1:
        raise ParameterError(f"missing_label must be one mark beside arrays; got {some(marks)}")
    return next((float(m) if m.lstrip("-").isdigit() else m for m in marks), None)


def settle_plain(given: Sequence[Plain], hints: Hints) -> tuple[list[Plain], Schema | None]:
    """Bring labels to the type that is asked for, and one-hot columns to numbers of classes.

    Return also their schema, where something is said or was found.

    Raises
    ------
    DataError
        If labels are not of the type, or class numbers beside one-hot columns are none of them.
    """
    given = [one._replace(y=composed(one.y)) for one in given]
    found, kind, notes = _settled(given, hints.label_type)
    mark = mark_of(None, hints)
    if (
        mark is not None
        and given
        and not any((np.asarray(one.y, object) == mark).any() for one in given)
    ):
        notes.append(Note(None, f"no label is {mark!r}, the mark of missing ones"))
    labels = None if kind is None else Labels((), kind)
    if not (labels or notes or hints.layout):
        return found, None
    return found, Schema({}, labels, layout=hints.layout, notes=tuple(notes))


def _settled(
    given: Sequence[Plain], wish: LabelType | None
) -> tuple[list[Plain], LabelType | None, list[Note]]:
    """Return labels of one type, the type where it is settled, and notes."""
    if wish in {"numbers", "yes-no"}:
        convert = _as_number if wish == "numbers" else _as_answer
        must = "numbers" if wish == "numbers" else "yes or no, true or false, 1 or 0"
        return [_each(one, convert, must) for one in given], wish, []
    wide = [one for one in given if _known(one).ndim == 2]
    hot = bool(wide) and all(map(_is_one_hot, wide))
    if wish == "classes" and wide and not hot:
        (odd, *_) = (one for one in wide if not _is_one_hot(one))
        raise DataError(
            f"labels of {odd.name!r} must be classes, (n,), or one-hot columns with one 1 in each "
            f"row; got {odd.y.shape[1]} columns of others"
        )
    widths = {one.y.shape[1] for one in wide}
    if not hot or (wish is None and max(widths) == 2 and len(wide) == len(given)):
        return list(given), wish, _spelling_notes(given)
    if len(widths) > 1:
        raise DataError(f"one-hot labels must have one width; got {joined(sorted(widths))} columns")
    (width,) = widths
    said = Note(None, f"labels have one 1 in each of {width} columns: one-hot classes")
    if len(wide) == len(given):  # class numbers are no answers
        said = said._replace(option="label_type", value="yes-no")
    notes = [] if wish else [said]
    return [_as_positions(one, width) for one in given], "classes", notes


def _read(one: Plain) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Read labels, and name their domain in errors."""
    try:
        return read_labels(one.y, one.missing)
    except DataError as error:
        raise DataError(f"{one.name}: {error}") from error


def _known(one: Plain) -> NDArray[Any]:
    """Return the rows of labels that are there."""
    values, there = _read(one)
    return np.asarray(values[there])


def _is_one_hot(one: Plain) -> bool:
    """Return whether each row that is there has one 1 and else 0."""
    try:
        values = _known(one).astype(float)
    except (TypeError, ValueError):
        return False
    binary = np.isin(values, (0, 1)).all()
    return bool(len(values) and binary and (values.sum(axis=1) == 1).all())


def _as_positions(one: Plain, width: int) -> Plain:
    """Return one-hot columns as the positions of the 1, and numbers of classes as they are."""
    values, there = _read(one)
    known = values[there]
    if values.ndim == 2:
        known = known.astype(float).argmax(axis=1)
    else:
        odd = [label for label in np.unique(known).tolist() if label not in range(width)]
        if odd:
            raise DataError(
                one_line(
                    f"labels of {one.name!r} must be one-hot, too, or the numbers 0 to {width - 1} "
                    f"of the {width} one-hot columns beside them; got {joined(odd)}"
                )
            )
    if there.all():
        return Plain(one.name, known.astype(np.int64), None)
    numbers = np.full(len(there), np.nan)
    numbers[there] = known
    return Plain(one.name, numbers, None)


def _each(one: Plain, convert: Callable[[Any], float | None], must: str) -> Plain:
    """Convert each label that is there, (n,) or (n, m), to a number; NaN where it is missing."""
    values, _ = _read(one._replace(missing=None))
    usual = "auto" if values.ndim == 1 and convert is _as_answer else None
    cells, there = read_labels(values.ravel(), usual if one.missing == "auto" else one.missing)
    known = cells[there].tolist()
    kinds = {cell: convert(cell) for cell in set(known)}
    odd = [cell for cell, number in kinds.items() if number is None]
    if odd:
        raise DataError(
            one_line(f"labels of {one.name!r} must be {must}; got {joined(sorted(map(str, odd)))}")
        )
    numbers = np.full(len(cells), np.nan)
    numbers[there] = [kinds[cell] for cell in known]
    return Plain(one.name, numbers.reshape(values.shape), None)


def _as_number(cell: Any) -> float | None:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _as_answer(cell: Any) -> float | None:
    return YES.get(as_word(cell).lower())


def _spelling_notes(given: Sequence[Plain]) -> list[Note]:
    """Return a note on names of classes that differ only in case or spaces."""
    names: set[str] = set()
    for one in given:
        names.update(cell for cell in set(_known(one).ravel().tolist()) if isinstance(cell, str))
    return [
        Note(None, f"{joined(alike)} are different classes: are they one?")
        for alike in spellings(sorted(names))[:1]
    ]
