"""Items that cannot be read, named together: up to ten of them in one sentence."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar, final

from fourfold.errors import DataError, FileError, counted, one_line, some
from fourfold.readers.files import LONGEST_NAME, short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Failures", "check_there", "listed"]

T = TypeVar("T")

MOST: Final = 10
"""Items that are named, as far as their names fit into the message."""
LONGEST: Final = 290
"""Characters of a message."""
LEAST: Final = 50
"""Characters for which it says why the first is damaged."""


@final
class Failures:
    """Errors of single items, kept until all have been tried.

    Parameters
    ----------
    noun
        One item in messages.
    name
        Function from the position of an item to its name, such as the path of a file.
    """

    def __init__(self, noun: str, name: Callable[[int], str]) -> None:
        self.noun, self.name = noun, name
        self.errors: dict[int, DataError | FileError] = {}

    def guard(self, work: Callable[[int], T]) -> Callable[[int], T | None]:
        """Return the same work on an item, with None and a kept error where it fails."""

        def guarded(at: int) -> T | None:
            try:
                return work(at)
            except (DataError, FileError) as error:
                self.errors[at] = error
                return None

        return guarded

    def check(self) -> None:
        """Raise the error of a single item, or one for several.

        Raises
        ------
        DataError, FileError
            If an item failed.
        """
        if not self.errors:
            return
        failed = sorted(self.errors)
        first = self.errors[failed[0]]
        if len(failed) == 1:
            raise first
        named = [self.name(at) for at in failed]
        why = str(first).partition(short(named[0]))[2].removeprefix(":").strip() or str(first)
        why = why.partition("replace or remove it; got: ")[2] or why
        what = f"{len(failed)} {self.noun}s"
        raise DataError(
            listed(what, named, "must be whole and readable; got damage in", f"; the first: {why}")
        ) from first


def check_there(files: Sequence[Path], named_by: str) -> None:
    """Refuse a list that names files which are not there.

    Raises
    ------
    DataError
        If it does; up to ten of them are named.
    """
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        what = counted(len(missing), "listed file")
        raise DataError(listed(what, missing, f"must be there; {named_by} names"))


def listed(what: str, names: Sequence[str], problem: str, rest: str = "") -> str:
    """Return a sentence on files: their folder, the problem, and the names of up to ten.

    Examples
    --------
    >>> listed("2 pictures", ["data/cat/1.png", "data/dog/2.png"], "must be there; got none of")
    '2 pictures in data must be there; got none of cat/1.png, dog/2.png'
    """
    folders = {os.path.dirname(name) for name in names}  # noqa: PTH120  names need not be paths
    root = os.path.commonpath(folders) if all(folders) else ""
    brief = [one_line(os.path.relpath(name, root) if root else name, 40) for name in names]
    head = f"{what} in {one_line(root, LONGEST_NAME)} {problem}" if root else f"{what} {problem}"
    room = LONGEST - len(head)
    most = next((n for n in range(MOST, 1, -1) if len(some(brief, n)) <= room), 1)
    said = f"{head} {some(brief, most)}"
    return said + one_line(rest, LONGEST - len(said)) if LONGEST - len(said) > LEAST else said
