"""Labels of a domain as classes or as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.domain import Domain

__all__ = ["are_binary", "as_classes", "as_numbers", "numbers_or_nan"]


def as_classes(y: NDArray[Any]) -> NDArray[Any]:
    """Convert labels to classes: whole floats to integers, objects to their own type."""
    if y.dtype == object:
        y = np.array(y.tolist())
    return y.astype(np.int64) if y.dtype.kind == "f" and (y == np.round(y)).all() else y


def as_numbers(y: NDArray[Any]) -> NDArray[np.float64]:
    """Convert labels to numbers (n, m).

    Raises
    ------
    DataError
        If they are names.
    """
    try:
        return y.astype(np.float64).reshape(len(y), -1)
    except (TypeError, ValueError):
        raise DataError("labels of a regression must be numbers; got names") from None


def numbers_or_nan(domain: Domain, width: int) -> NDArray[np.float64]:
    """Return a domain's labels (n, width), NaN where one is missing.

    Raises
    ------
    DataError
        If they have another width.
    """
    y = np.full((domain.n_rows, width), np.nan)
    if domain.y is not None and domain.labelled.any():
        known = as_numbers(domain.known)
        if known.shape[1] != width:
            raise DataError(
                f"labels of {domain.name or 'the domain'} must be of {width} outputs, as the "
                f"task is; got {known.shape[1]}"
            )
        y[domain.labelled] = known
    return y


def are_binary(y: NDArray[Any]) -> bool:
    """Return whether all labels are 0, 1 or missing."""
    numbers = as_numbers(y)
    return bool(np.isin(numbers[~np.isnan(numbers)], (0, 1)).all())
