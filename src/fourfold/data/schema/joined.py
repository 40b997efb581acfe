"""Names of columns that stand together, divided by commas, as on a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["dated", "divided"]


def divided(text: str, there: Collection[str]) -> list[str]:
    """Divide a text at commas, but for those inside of the name of a column.

    Examples
    --------
    >>> divided("age,ZIP, code, size", {"age", "ZIP, code", "size"})
    ['age', 'ZIP, code', 'size']
    """
    parts = normalize("NFC", text).split(",")
    names: list[str] = []
    while parts:
        whole = [",".join(parts[:n]) for n in range(len(parts), 0, -1)]
        name = next((one for one in whole if _known(one, there) is not None), parts[0])
        names.append(_known(name, there) or name.strip())
        parts = parts[name.count(",") + 1 :]
    return [name for name in names if name or name in there or not text]


def dated(text: str, there: Collection[str]) -> dict[str, str]:
    """Divide columns of dates, each with its format or ``""``: a format may have commas, too.

    Examples
    --------
    >>> dated("a=%b %d, %Y,b", {"a", "b"})
    {'a': '%b %d, %Y', 'b': ''}
    """
    parts = normalize("NFC", text).split(",")
    found: dict[str, str] = {}
    last = ""
    while parts:
        for n in range(len(parts), 0, -1):
            head, _, form = parts[n - 1].partition("=")
            name = _known(",".join([*parts[: n - 1], head]), there)
            if name is not None:
                break
        else:
            n, (head, _, form) = 1, parts[0].partition("=")
            name = None if found.get(last) else head.strip()
        if name is None:
            found[last] += f",{parts[0]}"  # of its format
        else:
            found[name], last = form, name
        parts = parts[n:]
    return found


def _known(text: str, there: Collection[str]) -> str | None:
    """Return the name of a column that a text is, with or without blanks around it."""
    return next((one for one in (text, text.strip()) if one in there), None)
