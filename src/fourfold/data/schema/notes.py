"""Remarks on columns and labels that were read, and the hint that reads them in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fourfold.errors import called, some

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Note", "joined"]


class Note(NamedTuple):
    """A remark on how something was read, and the hint that settles it in another way.

    ``option`` is the name of the hint, ``value`` its value as text; both may be empty.
    """

    about: str
    said: str
    option: str = ""
    value: str = ""

    @property
    def sentence(self) -> str:
        """The remark in one line, without its remedy."""
        return f"{called(self.about)}: {self.said}"


def joined(values: Iterable[Any]) -> str:
    """Quote some cells for a message."""
    return some([repr(value) for value in values], 3)
