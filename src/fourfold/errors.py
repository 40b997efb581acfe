"""What can go wrong, each also the builtin that callers already catch.

A message is one sentence: what must hold, what was got, and, where it is not plain, what to do.
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
    "ParameterError",
    "some",
]


class FourfoldError(Exception):
    """Base of every error that fourfold raises on purpose."""


class DataError(FourfoldError, ValueError):
    """Inputs, labels or descriptions that cannot be used as they are."""


class ParameterError(FourfoldError, ValueError):
    """A hyper-parameter out of its bounds, or an option that does not exist."""


class FileError(FourfoldError, OSError):
    """A file or folder that cannot be read or written."""


class BundleError(FourfoldError, ValueError):
    """A saved model that is damaged, newer than this version, or none of ours."""


class MissingExtraError(FourfoldError, ImportError):
    """An optional dependency that is not installed.

    Parameters
    ----------
    package
        The module that could not be imported.
    extra
        The extra of fourfold that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is needed for this: pip install 'fourfold[{extra}]'")


class FourfoldWarning(UserWarning):
    """Something that still works, but not as one may expect."""


def some(names: Iterable[object], most: int = 5) -> str:
    """List the first few of what a message is about, and say how many more there are.

    Examples
    --------
    >>> some("abcd", 2)
    'a, b and 2 more'
    """
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
