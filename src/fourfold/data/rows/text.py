"""Rows of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.data.libraries import imported_classes
from fourfold.data.rows.base import Rows, hash_contents
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows.base import Index, Keys

__all__ = ["TextRows", "are_texts"]


@final
class TextRows(Rows):
    """Rows of texts of any length, of which none is missing or empty.

    They may come from a ``column`` of a table, which messages name.

    Examples
    --------
    >>> TextRows(["a text", "another"]).take(np.array([1]))
    array(['another'], dtype=object)
    """

    kind = "texts"
    shape = ()
    dtype = np.dtype(object)

    def __init__(self, texts: Sequence[Any] | NDArray[Any], column: str | None = None) -> None:
        self.texts: NDArray[Any] = np.empty(len(texts), object)
        self.texts[:] = list(texts)
        self.n, self.column = len(texts), column
        for at, text in enumerate(self.texts):
            fault = _fault(text)
            if fault:
                called = f"text {at}" + ("" if column is None else f" of column {column!r}")
                raise DataError(
                    f"{called} (counted from 0) must be a non-empty string; "
                    f"got {fault}: leave it out, and its label"
                )

    def take(self, index: Index) -> NDArray[Any]:
        return self.texts[index]

    def subset(self, index: Index) -> TextRows:
        part = object.__new__(TextRows)
        part.texts, part.column = self.texts[index], self.column
        part.n = len(part.texts)
        return part

    def _hash(self) -> Keys:
        return hash_contents(b"text " + text.encode() for text in self.texts)


def are_texts(X: Any) -> bool:
    """Return whether X is 1-D and holds strings, before NumPy pads all of them to the longest."""
    if isinstance(X, np.ndarray):
        listed = X.ndim == 1 and X.dtype.kind in "OUT"
    else:
        columns = imported_classes("pandas", "Series") + imported_classes("datasets", "Column")
        listed = isinstance(X, (list, tuple, *columns))
    return listed and any(isinstance(text, str) for text in X)


def _fault(text: Any) -> str:
    """Name the fault of a text; "" if it has none."""
    if not isinstance(text, str):
        missing = text is None or str(text) in {"nan", "<NA>"}
        return f"a missing one ({text})" if missing else f"{text!r:.40}"
    if not text.strip():
        return "an empty one"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"one that is no Unicode ({error.reason} at {error.start})"
    return ""
