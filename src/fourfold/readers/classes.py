"""Descriptions of classes from files: attributes, sentences, or names with word vectors."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unicodedata import normalize

import numpy as np

from fourfold.core.memory import check_fits
from fourfold.data.descriptions import Descriptions
from fourfold.data.schema import Hints, Pile, read_piles
from fourfold.errors import DataError
from fourfold.readers.columns import check_count
from fourfold.readers.files import file_size, named, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.readers.vectors import WordVectors

__all__ = ["read_classes"]

TABLES: Final = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
LISTS: Final = (".txt", ".json")
VALUE_BYTES: Final = 100
"""Bytes of a value of JSON in memory."""
MOST_DIGITS: Final = 20
"""Characters of a whole number of 64 bits with its sign."""


def read_classes(
    path: Path | str,
    *,
    vectors: WordVectors | None = None,
    labels: NDArray[Any] | None = None,
    named_alone: bool = False,
) -> Descriptions:
    r"""Read descriptions of classes.

    Parameters
    ----------
    path
        A table (``.csv``, ``.tsv``, both also ``.gz``, or ``.parquet``) with one row for each
        class: its name in the first column, then attributes or one column of sentences. Or
        ``.json`` that maps names to lists of numbers, to attributes by name, or to sentences. With
        word vectors only names are needed: a table of one column, a ``.json`` list, or ``.txt``
        with one name in each line. A second column may give the words to look up for each name.
    vectors
        Word vectors for the names.
    labels
        Labels that the names must match: numbers or words, such as ``"007"``. By default names are
        numbers if all of them are whole numbers.
    named_alone
        Whether names without descriptions stand for themselves, as texts, and words beside them are
        texts, too, however short.

    Raises
    ------
    FileError
        If the file is missing or unreadable.
    DataError
        If it is none of these, if a name occurs twice or is not a number although the labels are,
        if descriptions differ in width, or if a word has no vector; the message names the file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "animals.csv")
    ...     _ = file.write_text("name,hoofs,legs\nhorse,1,4\ncrow,0,2\n")
    ...     read_classes(file)
    <Descriptions of 2 classes: attributes hoofs, legs>
    """
    path = Path(path)
    with named(path):
        file_size(path)
        names, content = _read(path)
        if named_alone and vectors is None:
            content = _as_texts(names, content)
        return _descriptions(_typed(names, labels), content, vectors)


def _read(path: Path) -> tuple[list[Any], Any]:
    """Read names and their descriptions: a DataFrame, a list of values, or None."""
    ending = path.name.lower()
    if ending.endswith(".txt"):
        lines = map(str.strip, read_text(path).split("\n"))
        return [line for line in lines if line], None
    if ending.endswith(".json"):
        return _json(path)
    if ending.endswith(TABLES):
        return _table(path)
    known = ", ".join((*TABLES, *LISTS))
    raise DataError(f"a file of classes must end in one of {known}")


def _table(path: Path) -> tuple[list[Any], Any]:
    from fourfold.readers.tables import read_table

    pile = read_table(path)
    first, *others = pile.columns
    names = pile.columns[first].to_pylist()
    if not others:
        return names, None
    columns = {name: pile.columns[name] for name in others}
    kept = Hints(keep=tuple(others))
    _, (read,) = read_piles([Pile(pile.name, columns, pile.first_line)], kept)
    return names, read.frame[others]


def _json(path: Path) -> tuple[list[Any], Any]:
    try:
        text = read_text(path)
        values = sum(map(text.count, ",:[{"))
        check_fits(VALUE_BYTES * values + 5 * len(text), "descriptions, parsed,")
        read = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise DataError(f"the file must be JSON; got: {error}") from error
    except RecursionError as error:
        raise DataError(
            "the file must be {name: description} or a list of names; got lists or objects too deep"
        ) from error
    if isinstance(read, (list, dict)):
        return list(read), list(read.values()) if isinstance(read, dict) else None
    raise DataError(
        "the file must be {name: description} or a list of names; got "
        f"{type(read).__name__} {read!r:.40}"
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary, and refuse repeated keys, of which JSON readers keep the last."""
    _check_distinct([name for name, _ in pairs])
    return dict(pairs)


def _integer(written: str) -> int:
    """Parse a whole number, and refuse one of more than 64 bits."""
    number = _whole(written)
    if number is None:
        raise DataError(f"whole numbers must fit into 64 bits; got {written:.20}...")
    return number


def _whole(written: str) -> int | None:
    """Parse a whole number of 64 bits; None for anything else."""
    if len(written) > MOST_DIGITS:  # Python does not parse thousands of digits
        return None
    try:
        number = int(written)
    except ValueError:
        return None
    return number if -(2**63) <= number < 2**64 else None


def _typed(names: list[Any], labels: NDArray[Any] | None) -> list[Any]:
    """Convert names to the type of the labels."""
    if not names:
        raise DataError("a file of classes must name at least one class; got none")
    bad = [name for name in names if not isinstance(name, (str, int, float)) or name == ""]
    if bad:
        raise DataError(f"names of classes must be words or numbers; got {bad[0]!r}")
    if labels is None:
        numbers = all(name.isdecimal() and str(_whole(name)) == name for name in map(str, names))
    else:
        numbers = np.asarray(labels).dtype.kind in "biuf"
    typed = [_whole_number(name) if numbers else normalize("NFC", str(name)) for name in names]
    _check_distinct(typed)
    return typed


def _whole_number(name: Any) -> int:
    number = _whole(str(name))
    if number is None:  # 7.0, maybe
        with suppress(ValueError):
            number = _whole(f"{float(name):.0f}") if float(name).is_integer() else None
    if number is None:
        raise DataError(
            f"names of classes must be whole numbers, like the labels; got {name!r:.60}"
        )
    return number


def _check_distinct(names: Sequence[Any]) -> None:
    seen: set[Any] = set()
    for name in names:
        if name in seen:
            raise DataError(f"each class must be named once; got {name!r} twice")
        seen.add(name)


def _descriptions(names: list[Any], content: Any, vectors: WordVectors | None) -> Descriptions:
    if vectors is not None:
        words = _words(names, content)
        return Descriptions.of(vectors.describe(dict(zip(names, words, strict=True))))
    if content is None:
        raise DataError(
            "classes must be described by columns beside their names, or by word vectors for the "
            "names; got only names"
        )
    if isinstance(content, list):
        attributes = {name for of in content if isinstance(of, dict) for name in of}
        check_count(len(attributes))
        check_fits(VALUE_BYTES * len(names) * len(attributes), "the attributes of all classes")
        return Descriptions.of(dict(zip(names, content, strict=True)))
    return Descriptions.of(content.set_axis(names, axis="index"))


def _as_texts(names: list[Any], content: Any) -> Any:
    """Return names, or the words beside them in a table, as texts; leave other descriptions."""
    if content is None:
        return [str(name) for name in names]
    if isinstance(content, list) or len(content.columns) != 1:
        return content
    words = content[content.columns[0]].tolist()
    return words if all(isinstance(word, str) for word in words) else content


def _words(names: list[Any], content: Any) -> list[str]:
    """Return the words to look up for each name: those beside it, or the name itself."""
    if content is None:
        return [str(name) for name in names]
    if isinstance(content, list):
        words, what = content, "descriptions"
    else:
        words = content[content.columns[0]].tolist() if len(content.columns) == 1 else []
        what = ", ".join(map(str, content.columns))
    if len(words) != len(names) or not all(isinstance(word, str) for word in words):
        raise DataError(
            "a file of classes for word vectors must hold only names, or names and words to look "
            f"up; got {what}"
        )
    return words
