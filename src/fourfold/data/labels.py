"""Labels as users write them, and the marks of missing ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from unicodedata import normalize

import numpy as np

from fourfold.data.libraries import imported_classes
from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["are_measured", "composed", "mostly_differ", "read_labels", "shown_label"]

MANY: Final = 50
"""Up to this many different whole numbers are classes."""
SEVERAL: Final = 20


def are_measured(y: NDArray[Any]) -> bool:
    """Return whether labels (n,), numbers, are measurements rather than classes.

    Fractions are measurements. So are more than 50 different whole numbers with gaps between them,
    such as prices, or not from 0 or 1 on, such as ages.
    """
    kinds = np.unique(y)
    gaps = kinds[-1] - kinds[0] + 1 > 2 * len(kinds)
    codes = kinds[0] in {0, 1} and not gaps
    return bool((kinds % 1 > 0).any() or (len(kinds) > MANY and not codes))


def mostly_differ(y: NDArray[Any]) -> bool:
    """Return whether all labels of several domains (n,), whole numbers, are too many for classes.

    At least 20 differ, and they are more than half of the labels, with gaps between them.
    """
    kinds = np.unique(y)
    return bool(max(SEVERAL, len(y) / 2) <= len(kinds) < (kinds[-1] - kinds[0] + 1) / 2)


def composed(y: Any) -> Any:
    """Return labels with names in Unicode NFC, in which a letter and its accent are one."""
    values = np.asarray(y)
    if values.dtype.kind not in "OU":
        return y
    flat = [normalize("NFC", v) if isinstance(v, str) else v for v in values.ravel().tolist()]
    whole = np.empty(len(flat), object)
    whole[:] = flat
    return whole.reshape(values.shape).astype(object if values.dtype.kind == "O" else str)


def shown_label(label: object) -> str:
    """Write a label in a message: names in quotes, and 3 for 3.0.

    Examples
    --------
    >>> shown_label("high"), shown_label(3.0)
    ("'high'", '3')
    """
    return f"{label:.0f}" if isinstance(label, float) and label.is_integer() else repr(label)


def read_labels(y: Any, missing: object) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Read labels: their values, (n,) or (n, m), and whether each row has one, (n,).

    Parameters
    ----------
    y
        Labels of any library.
    missing
        Mark of a missing label, as in :class:`~fourfold.data.domain.Domain`.

    Raises
    ------
    DataError
        If they are not (n,) or (n, m), mix numbers and names, are complex, sparse or infinite, or
        are only −1 and 1 while ``missing`` is ``"auto"``.
    """
    values = _as_array(y)
    there = ~_is_missing(values)
    if missing == "auto":
        missing = -1 if _minus_one_is_missing(values, there) else None
    if missing is not None:
        there &= values != missing
    return values, np.asarray(there if values.ndim == 1 else there.any(axis=1), bool)


def _as_array(y: Any) -> NDArray[Any]:
    """Convert labels to an array of numbers, strings or objects: (n,) or (n, m)."""
    if isinstance(y, imported_classes("pandas", "Series", "DataFrame")):
        kinds = [y.dtype] if y.ndim == 1 else y.dtypes
        numbers = all(isinstance(kind, np.dtype) and kind.kind in "biuf" for kind in kinds)
        y = y.to_numpy(dtype=None if numbers else object)
    if isinstance(y, imported_classes("scipy.sparse", "spmatrix", "sparray")):
        raise DataError("labels must be an array or a list; got a sparse matrix")
    values = np.asarray(y)
    if values.dtype.kind == "U" and isinstance(y, (list, tuple)):
        values = np.asarray(y, object)  # NumPy makes strings of numbers beside strings
    if values.dtype == object:
        values = _narrow(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in {1, 2}:
        raise DataError(f"labels must be (n,) or (n, m); got an array of shape {values.shape}")
    if np.iscomplexobj(values):
        raise DataError("Complex data not supported: labels must be real numbers or names")
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise DataError("labels must be finite, or NaN where one is missing; got infinity (inf)")
    return values


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Convert objects that are all numbers to numbers, and objects that are all strings to strings.

    Objects stay where strings or truth values are missing.
    """
    missing = _is_missing(values)
    known = values[~missing].tolist()
    if all(isinstance(v, (bool, np.bool_)) for v in known):
        return values if missing.any() else values.astype(bool)
    if all(isinstance(v, (int, float, np.number)) for v in known):
        if missing.any():
            return np.where(missing, np.nan, values).astype(float)
        whole = all(isinstance(v, (int, np.integer)) for v in known)
        return values.astype(np.int64 if whole else float)
    if all(isinstance(v, str) for v in known):
        return values if missing.any() else values.astype(str)
    raise DataError("labels must be all numbers or all names; got a mixture of both")


def _is_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Find NaN, None and pandas' NA."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values), bool)
    if values.dtype == object:
        flat = [v is None or str(v) == "<NA>" or v != v for v in values.ravel().tolist()]  # noqa: PLR0124  NaN is not itself
        return np.array(flat, bool).reshape(values.shape)
    return np.zeros(values.shape, bool)


def _minus_one_is_missing(values: NDArray[Any], there: NDArray[np.bool_]) -> bool:
    """Return whether −1 marks a missing label: −1 beside whole numbers ≥ 0."""
    if values.dtype.kind not in "if" or values.ndim == 2:
        return False
    known = values[there]
    found = set(np.unique(known).tolist()) if (known == -1).any() else set()
    if not found or min(found) < -1 or any(v != int(v) for v in found):
        return False
    if found == {-1, 1}:
        raise DataError(
            "labels that are only -1 and 1 are ambiguous: say missing=-1 if -1 means 'no label', "
            "or missing=None if it is a class"
        )
    return True
