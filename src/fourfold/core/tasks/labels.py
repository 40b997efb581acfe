"""Labels of a domain as classes or as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fourfold.data.kinds import are_binary, as_numbers
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
