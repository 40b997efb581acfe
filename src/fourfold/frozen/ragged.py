"""Arrays of values that may differ in length, as arrays of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["concatenate_values", "stack_values", "value_bytes"]


def concatenate_values(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Concatenate values: (n, ...), or n arrays in an array of objects if their shapes differ."""
    if len(parts) == 1:
        return parts[0]
    if len({(part.dtype, part.shape[1:]) for part in parts}) == 1:
        return np.concatenate(list(parts))
    return stack_values([row for part in parts for row in part])


def stack_values(values: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Stack values: (n, ...), or n arrays in an array of objects if their shapes differ."""
    if len({value.shape for value in values}) == 1:
        return np.stack(list(values))
    ragged = np.empty(len(values), object)
    ragged[:] = list(values)
    return ragged


def value_bytes(values: NDArray[Any]) -> int:
    """Return the number of bytes of values, also in an array of objects."""
    return sum(map(value_bytes, values)) if values.dtype == object else values.nbytes
