"""What is known of classes, from a file: attributes, sentences, or names with word vectors."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fourfold.data.descriptions import Descriptions
from fourfold.errors import DataError, FileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.readers.vectors import WordVectors

__all__ = ["read_classes"]

TABLES: Final = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
LISTS: Final = (".txt", ".json")
MOST_DIGITS: Final = 20
"""Of a whole number of 64 bits, its sign among them."""


def read_classes(
    path: Path | str, *, vectors: WordVectors | None = None, labels: NDArray[Any] | None = None
) -> Descriptions:
    r"""Read what describes classes.

    Parameters
    ----------
    path
        A table (``.csv``, ``.tsv``, both also ``.gz``, or ``.parquet``) with a class a row: its
        name in the first column, and beside it attributes, or one column of sentences. Or
        ``.json``: name → list of numbers, → attributes by their names, or → sentence. With word
        vectors it holds names alone: a table of one column, a ``.json`` list, or ``.txt`` with one
        a line; or beside each name the words that are looked up for it.
    vectors
        What names are looked up in.
    labels
        Labels that the names are to match: numbers, or words, such as ``"007"``. Without any, names
        that are all whole numbers are numbers.

    Raises
    ------
    FileError
        If the file is not there or cannot be read.
    DataError
        If it is none of these, a name stands twice or is no number where labels are,
        descriptions differ in width, or a word has no vector; the message names the file.

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
    try:
        path.stat()
        names, content = _read(path)
        return _described(_typed(names, labels), content, vectors)
    except DataError as error:
        raise error if str(path) in str(error) else DataError(f"{path}: {error}") from error
    except FileError:
        raise
    except FileNotFoundError as error:
        raise FileError(f"{path} must be a file; there is none") from error
    except OSError as error:
        raise FileError(f"{path} must be readable; got: {error}") from error


def _read(path: Path) -> tuple[list[Any], Any]:
    """Read names, and what stands beside them: a DataFrame, a list of values, or None."""
    ending = path.name.lower()
    if ending.endswith(".txt"):
        lines = _text(path).split("\n")
        return [line.strip() for line in lines if line.strip()], None
    if ending.endswith(".json"):
        return _json(path)
    if ending.endswith(TABLES):
        return _table(path)
    known = ", ".join((*TABLES, *LISTS))
    raise DataError(f"a file of classes must end in one of {known}")


def _table(path: Path) -> tuple[list[Any], Any]:
    from fourfold.readers.tables import read_table, written_column

    frame = read_table(path, None)[0].frame
    written = frame.pop(frame.columns[0])
    packed = path.name.lower().endswith(".parquet")
    names = written.tolist() if packed else written_column(path, str(written.name))
    return names, frame if len(frame.columns) else None


def _json(path: Path) -> tuple[list[Any], Any]:
    try:
        read = json.loads(_text(path), object_pairs_hook=_once, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise DataError(f"the file must be JSON; got: {error}") from error
    except RecursionError as error:
        raise DataError(
            "the file must be {name: description} or a list of names; got lists or objects too deep"
        ) from error
    if isinstance(read, list):
        return read, None
    if isinstance(read, dict):
        return list(read), list(read.values())
    raise DataError(
        "the file must be {name: description} or a list of names; got "
        f"{type(read).__name__} {read!r:.40}"
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that has a key twice; JSON's readers keep the last."""
    _check_once([name for name, _ in pairs])
    return dict(pairs)


def _integer(written: str) -> int:
    """Refuse whole numbers that no 64 bits hold."""
    number = _whole(written)
    if number is None:
        raise DataError(f"whole numbers must fit into 64 bits; got {written:.20}...")
    return number


def _whole(written: str) -> int | None:
    """Return the whole number of 64 bits that is written, if it is one."""
    if len(written) > MOST_DIGITS:  # Python refuses to read thousands
        return None
    try:
        number = int(written)
    except ValueError:
        return None
    return number if -(2**63) <= number < 2**64 else None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"the text must be UTF-8: save it as UTF-8 in the program it comes from; got byte "
            f"0x{error.object[error.start]:02x} in line {line}"
        ) from error


def _typed(names: list[Any], labels: NDArray[Any] | None) -> list[Any]:
    """Write names as labels are written."""
    if not names:
        raise DataError("there must be a class; got none")
    bad = [name for name in names if not isinstance(name, (str, int, float)) or name == ""]
    if bad:
        raise DataError(f"names of classes must be words or numbers; got {bad[0]!r}")
    if labels is None:
        numbers = all(
            str(name).isdecimal() and str(_whole(str(name))) == str(name) for name in names
        )
    else:
        numbers = np.asarray(labels).dtype.kind in "biuf"
    typed = [_whole_number(name) if numbers else str(name) for name in names]
    _check_once(typed)
    return typed


def _whole_number(name: Any) -> int:
    number = _whole(str(name))
    if number is None:  # 7.0, maybe
        with suppress(ValueError):
            number = _whole(f"{float(name):.0f}") if float(name).is_integer() else None
    if number is None:
        raise DataError(f"names of classes must be whole numbers, as labels are; got {name!r:.60}")
    return number


def _check_once(names: Sequence[Any]) -> None:
    seen: set[Any] = set()
    for name in names:
        if name in seen:
            raise DataError(f"each class must be named once; got {name!r} twice")
        seen.add(name)


def _described(names: list[Any], content: Any, vectors: WordVectors | None) -> Descriptions:
    if vectors is not None:
        words = _words(names, content)
        return Descriptions.of(vectors.describe(dict(zip(names, words, strict=True))))
    if content is None:
        raise DataError(
            "classes must be described: by columns beside their names, or by word vectors to look "
            "their names up in (--vectors); got only names"
        )
    if isinstance(content, list):
        return Descriptions.of(dict(zip(names, content, strict=True)))
    return Descriptions.of(content.set_axis(names, axis="index"))


def _words(names: list[Any], content: Any) -> list[str]:
    """Return what is looked up for each name: the words beside it, or else the name."""
    if content is None:
        return [str(name) for name in names]
    if isinstance(content, list):
        words, what = content, "descriptions"
    else:
        words = content[content.columns[0]].tolist() if len(content.columns) == 1 else []
        what = ", ".join(map(str, content.columns))
    if len(words) != len(names) or not all(isinstance(word, str) for word in words):
        raise DataError(
            "a file of classes whose words are looked up must hold names, and beside them nothing "
            f"or words; got {what}"
        )
    return words
