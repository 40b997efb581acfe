"""Word vectors from files: text, cached in a store, and arrays with their words beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.core.digests import file_digest
from fourfold.core.memory import check_fits, memory_limit
from fourfold.errors import DataError
from fourfold.readers.files import file_size, named, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.frozen.store import Store
    from fourfold.readers.vectors.text import Block

    Vectors = NDArray[np.float32]

__all__ = ["text_of_vectors", "words_of_array"]

FORMAT: Final = 1
"""Version of the arrays in the store."""
TEXTS: Final = (".txt", ".vec", ".txt.gz", ".vec.gz")
WORD_BYTES: Final = 100
"""Bytes of a word in memory."""
BESIDE: Final = (".txt", ".parquet", ".csv")
"""Endings of the file of words beside an array."""


def text_of_vectors(path: Path, store: Store | None) -> tuple[list[str], Vectors]:
    """Read n words and their vectors (n, d) from text, into memory or mapped from a store."""
    from fourfold.readers.vectors.text import read_blocks

    if not path.name.lower().endswith(TEXTS):
        known = ", ".join((*TEXTS, ".npy"))
        raise DataError(f"a file of word vectors must end in one of {known}")
    if store is None:
        blocks = list(_fitting(read_blocks(path)))
        listed = [word for words, _ in blocks for word in words]
        return listed, np.concatenate([vectors for _, vectors in blocks])

    def build(folder: Path) -> None:
        with (
            (folder / "vectors.f32").open("wb") as numbers,
            (folder / "words.txt").open("w", encoding="utf-8", newline="\n") as names,
        ):
            for words, vectors in read_blocks(path):
                vectors.tofile(numbers)
                names.writelines(f"{word}\n" for word in words)

    key = f"word vectors {FORMAT} {path.name[-3:]} {file_digest(path)}"
    folder = store.artifact(key, build)
    listed = _lines(folder / "words.txt")
    flat = np.memmap(folder / "vectors.f32", np.float32, "r")
    return listed, np.asarray(flat).reshape(len(listed), -1)


def _fitting(blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield blocks as long as all of them fit into memory, twice while they are joined."""
    size, limit = 0, memory_limit()
    for words, vectors in blocks:
        size += 2 * vectors.nbytes + WORD_BYTES * len(words)
        check_fits(size, "word vectors, without a store,", limit)
        yield words, vectors


def words_of_array(path: Path, words: Path | None, column: str | None) -> list[str]:
    """Read the words of an array of vectors, by default from the file beside it."""
    words = _beside(path) if words is None else words
    with named(words):
        file_size(words)
    return _column(words, column) if words.suffix.lower() in {".parquet", ".csv"} else _lines(words)


def _beside(path: Path) -> Path:
    """Find the file of words beside an array."""
    for ending in BESIDE:
        if (file := path.with_suffix(ending)).is_file():
            return file
    raise DataError(
        f"the words of {path} must be in a file beside it, "
        f"{' or '.join(path.with_suffix(ending).name for ending in BESIDE)}; there is none"
    )


def _column(path: Path, wanted: str | None) -> list[str]:
    from fourfold.readers import delimited, parquet

    with named(path):
        if path.name.lower().endswith(".csv"):
            name = _column_name(path, delimited.column_names(path), wanted)
            return delimited.column_as_text(path, name)
        name = _column_name(path, parquet.column_names(path), wanted)
        column = parquet.read_parquet(path, [name]).column(name)
    words: list[str] = column.to_pylist()
    if not all(isinstance(word, str) for word in words):
        raise DataError(f"column {name!r} of {path} must hold words; got {column.type}")
    return words


def _column_name(path: Path, names: list[str], wanted: str | None) -> str:
    if wanted in names or (wanted is None and len(names) == 1):
        return wanted or names[0]
    raise DataError(
        f"column must name the words of {path}, one of {', '.join(names)}; got {wanted!r}"
    )


def _lines(path: Path) -> list[str]:
    with named(path):
        words = read_text(path).replace("\r\n", "\n").split("\n")
    return words[:-1] if words[-1] == "" else words
