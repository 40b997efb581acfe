"""Remarks on columns and labels that were read, and the hint that reads them in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fourfold.errors import called, some

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Note", "joined"]


class Note(NamedTuple):
    """A remark on how something was read, and the hint that settles it in another way.

    ``about`` is a column or a file, None for the labels of arrays and folders; ``option`` is the
    name of the hint, ``value`` its value as text, and both may be empty.
    """

    about: str | None
    said: str
    option: str = ""
    value: str = ""

    @property
    def sentence(self) -> str:
        """The remark in one line, without its remedy."""
        return self.said if self.about is None else f"{called(self.about)}: {self.said}"


def joined(values: Iterable[Any]) -> str:
    """Quote some cells for a message."""
    return some([repr(value) for value in values], 3)
