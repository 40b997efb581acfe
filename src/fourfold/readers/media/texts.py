"""Texts from folders of ``.txt`` files, and from tables whose only input is a column of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fourfold.core.memory import check_fits
from fourfold.data.rows import TextRows
from fourfold.errors import DataError
from fourfold.readers.files import file_size, named, read_text
from fourfold.readers.media.failures import Failures
from fourfold.readers.media.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


__all__ = ["TEXTS", "read_files"]

TEXTS: Final = (".txt",)
MOST_BYTES: Final = 5
"""Bytes of a letter: as it is written, and in memory."""


def read_files(paths: Sequence[Path]) -> TextRows:
    """Read texts in UTF-8, one per file; errors name the file."""
    check_fits(MOST_BYTES * sum(map(_size, paths)), "the texts")

    def read(at: int) -> str:
        with named(paths[at]):
            text = read_text(paths[at])
            if not text.strip():
                raise DataError("a text must have at least one word: fill or remove it; got none")
        return "\n".join(text.splitlines())

    failed = Failures("text", lambda at: str(paths[at]))
    found = list(in_threads(failed.guard(read), range(len(paths))))
    failed.check()
    return TextRows([text for text in found if text is not None])


def _size(path: Path) -> int:
    with named(path):
        return file_size(path)
