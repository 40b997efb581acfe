"""Errors of fourfold, each also a builtin error.

A message is one sentence: the requirement, what was got, and a remedy where it is not plain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BundleError",
    "DataError",
    "FileError",
    "FourfoldError",
    "FourfoldWarning",
    "MissingExtraError",
    "MissingLibraryError",
    "ParameterError",
    "called",
    "counted",
    "one_line",
    "some",
    "summary",
]


class FourfoldError(Exception):
    """Base of every error that fourfold raises on purpose."""


class DataError(FourfoldError, ValueError):
    """Unusable inputs, labels or descriptions."""


class ParameterError(FourfoldError, ValueError):
    """A hyper-parameter out of its bounds, or an unknown option."""


class FileError(FourfoldError, OSError):
    """An unreadable or unwritable file or folder."""


class BundleError(FourfoldError, ValueError):
    """A saved model of another program, of a newer version, or damaged."""


class MissingExtraError(FourfoldError, ImportError):
    """A missing optional dependency.

    Parameters
    ----------
    package
        The missing package.
    extra
        The extra of fourfold that installs it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is needed for this: pip install 'fourfold[{extra}]'")


class MissingLibraryError(FourfoldError, ImportError):
    """A dependency that is installed, and cannot be loaded on this system."""


class FourfoldWarning(UserWarning):
    """A surprising outcome of something that still works."""


def called(name: object) -> str:
    """Name a column in a sentence.

    Examples
    --------
    >>> called("age"), called("")
    ('age', '(unnamed)')
    """
    return str(name) if str(name).strip() else "(unnamed)"


def counted(n: int, noun: str) -> str:
    """Count things by a noun.

    Examples
    --------
    >>> [counted(1, "row"), counted(2, "row"), counted(0, "class")]
    ['1 row', '2 rows', '0 classes']
    """
    ending = "" if n == 1 else "es" if noun.endswith("s") else "s"
    return f"{n} {noun}{ending}"


def some(names: Iterable[object], most: int = 5) -> str:
    """List the first few names, and count the others; an empty one is "(unnamed)".

    Examples
    --------
    >>> some("abcd", 2)
    'a, b and 2 more'
    """
    listed = [called(name) for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def summary(error: Exception, most: int = 120) -> str:
    """Return the kind of a library's error and the beginning of its text, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:most]}"


def one_line(text: object, most: int = 299) -> str:
    r"""Show a text in one line of printable characters, shortened in the middle.

    Examples
    --------
    >>> one_line("a long\nstory \0", 10)
    'a lo…ory ?'
    """
    shown = "".join(c if c.isprintable() else "?" for c in " ".join(str(text).split()))
    if len(shown) <= most:
        return shown
    head = most // 2 - 1
    return f"{shown[:head]}…{shown[head + 1 - most :]}"
