"""Names of classes as in labels: whole numbers or words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["as_names", "plain"]


def as_names(names: Iterable[Any]) -> NDArray[Any]:
    """Convert names of classes to an array (k,) of whole numbers or of words.

    Raises
    ------
    DataError
        If they are a mixture of both.
    """
    listed = [plain(name) for name in names]
    if all(isinstance(name, (int, bool)) for name in listed):
        return np.array(listed, dtype=np.int64) if listed else np.array([], dtype=np.int64)
    if not all(isinstance(name, str) for name in listed):
        raise DataError("names of classes must be all words or all whole numbers; got a mixture")
    return np.array(listed)


def plain(name: Any) -> Any:
    """Convert a name of any library's type to a Python object."""
    value = name.item() if isinstance(name, np.generic) else name
    return int(value) if isinstance(value, float) and value.is_integer() else value
