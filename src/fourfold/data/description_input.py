"""Descriptions of classes as users write them: a table or a dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np

from fourfold.data.libraries import imported_classes
from fourfold.errors import DataError, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Content: TypeAlias = pd.DataFrame | NDArray[Any] | Sequence[str]

__all__ = ["as_names", "check_content", "is_frame", "plain", "read_content"]


def is_frame(given: object) -> TypeGuard[pd.DataFrame]:
    """Return whether an object is a DataFrame, without importing pandas."""
    return isinstance(given, imported_classes("pandas", "DataFrame"))


def read_content(classes: object) -> tuple[Iterable[Any], Content]:
    """Read names of classes (k,) and their descriptions: k rows, vectors or texts."""
    if is_frame(classes):
        return classes.index, _of_frame(classes)
    if isinstance(classes, Mapping):
        return list(classes), _of_mapping(classes)
    if isinstance(classes, list) and classes and all(isinstance(name, str) for name in classes):
        return classes, classes
    raise DataError(
        "classes must be described by a table with a class a row, by {name: vector, attributes or "
        f"text}}, or by a list of names alone; got {type(classes).__name__}"
    )


def _of_frame(frame: pd.DataFrame) -> Content:
    if not len(frame) or not len(frame.columns):
        raise DataError(
            "a table of classes must have a class a row and a column that describes it; got "
            f"{len(frame)} rows, {len(frame.columns)} columns"
        )
    cells = frame.iloc[:, 0].tolist()
    # texts rather than categories: all different, and some of more than three words
    texts = all(isinstance(cell, str) for cell in cells) and len(set(cells)) == len(cells)
    long = texts and any(len(cell.split()) > 3 for cell in cells)
    return cells if long and len(frame.columns) == 1 else frame


def _of_mapping(classes: Mapping[Any, Any]) -> Content:
    if not classes:
        raise DataError("there must be a class to describe; got none")
    values = list(classes.values())
    if all(isinstance(value, str) for value in values):
        return values
    if all(isinstance(value, Mapping) for value in values):
        import pandas as pd  # heavy, and most domains are not described

        return pd.DataFrame([dict(value) for value in values])
    return _stack(list(classes), values)


def _stack(names: list[Any], values: list[ArrayLike]) -> NDArray[np.float32]:
    """Stack vectors (d,) of one width to (k, d)."""
    try:
        vectors = [np.atleast_1d(np.asarray(value, np.float32)) for value in values]
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            "classes must all be described by vectors of numbers, all by {attribute: value}, or "
            "all by texts; got a mixture or something else"
        ) from None
    first = vectors[0].shape
    for name, vector in zip(names, vectors, strict=True):
        if vector.ndim != 1 or vector.shape != first or not len(vector):
            raise DataError(
                f"descriptions must be vectors of one width; got shape {first} for {names[0]!r} "
                f"and {vector.shape} for {name!r}"
            )
    return np.stack(vectors)


def check_content(names: list[Any], content: Content) -> None:
    """Refuse classes that are described twice, by nothing, or by numbers that are not finite."""
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise DataError(f"each class must be described once; got {twice!r} twice")
    if is_frame(content):
        empty = [name for name, no in zip(names, content.isna().all(axis=1), strict=True) if no]
        if empty:
            raise DataError(f"a class must have some attribute; got none for {some(empty)}")
    elif isinstance(content, np.ndarray):
        finite = np.isfinite(content).all(axis=1)
        if not finite.all():
            bad = names[int(np.argmin(finite))]
            raise DataError(f"vectors must be finite; got NaN or infinity for {bad!r}")
    else:
        empty = [name for name, text in zip(names, content, strict=True) if not str(text).strip()]
        if empty:
            raise DataError(f"a description must not be empty; got an empty one for {empty[0]!r}")


def as_names(names: Iterable[Any]) -> NDArray[Any]:
    """Convert names of classes to an array (k,) of whole numbers or of words, never both."""
    listed = [plain(name) for name in names]
    if all(isinstance(name, int) for name in listed):
        return np.array(listed, dtype=np.int64)
    if not all(isinstance(name, str) for name in listed):
        raise DataError("names of classes must be all words or all whole numbers; got a mixture")
    return np.array(listed)


def plain(name: Any) -> Any:
    """Convert a name of any library's type to a Python object."""
    value = name.item() if isinstance(name, np.generic) else name
    return int(value) if isinstance(value, float) and value.is_integer() else value
