"""Layouts of arrays: features, pictures or series, and where their channels are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from fourfold.errors import DataError, counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Layout as Known
    from fourfold.data.rows import Rows

__all__ = [
    "Layout",
    "by_channel",
    "channel_axes",
    "find_layout",
    "in_words",
    "note",
    "prepared_shape",
]

Layout: TypeAlias = Literal["features", "plane", "first", "last", "series", "steps"]
"""Layout of a row: (d,), (H, W), (C, H, W), (H, W, C), (channels, time) or (time, channels)."""

LONG: Final = 3
"""A series is more than so many times as long as it has channels, a picture less."""
SHORTEST: Final = 16
"""Fewest steps of what is recognized as a series."""
NARROWEST: Final = 8
"""Smallest side of bytes that are recognized as a picture, however long it is."""


def find_layout(rows: Rows, wish: Known) -> Layout:
    """Return the layout of rows: the wished one, that which their reader knows, or by their shape.

    Rows (a, b) are series if one side is more than three times the other and has at least 16 steps;
    the shorter side are the channels. Bytes are pictures if both sides have at least 8 pixels.
    Other rows (a, b) are grey pictures.

    Raises
    ------
    DataError
        If the rows have more axes than pictures, or are pictures where series are wished.
    """
    shape = rows.shape
    wish = rows.layout if wish == "auto" else wish
    if len(shape) == 1:
        return "features"
    if len(shape) > 3 or (len(shape) == 3 and wish == "series"):
        raise DataError(
            "Standardize must be given features (d,), series (channels, time), or pictures (H, W), "
            f"(C, H, W) or (H, W, C); got rows of shape {shape}: use AsIs"
        )
    if len(shape) == 2:
        return _of_two_axes(rows, wish)
    if wish in {"first", "last"}:
        return "first" if wish == "first" else "last"
    channels = (1, 3, 4)
    last = rows.kind == "pictures" or (shape[-1] in channels and shape[0] not in channels)
    return "last" if last else "first"


def _of_two_axes(rows: Rows, wish: Known) -> Layout:
    if wish in {"first", "last"}:
        return "series" if wish == "first" else "steps"
    narrow, long = sorted(rows.shape)
    likely = long >= SHORTEST and long > LONG * narrow
    if rows.kind == "sounds" or (rows.dtype == np.uint8 and narrow >= NARROWEST):
        likely = False
    if wish == "pictures" or (wish == "auto" and not likely):
        return "plane"
    return "series" if rows.shape[0] == narrow else "steps"


def note(rows: Rows) -> str | None:
    """Return a note on arrays (n, a, b), which might be read otherwise.

    Squares are plainly pictures, and other rows have one layout: for these it is None.

    Examples
    --------
    >>> from fourfold.data.rows import as_rows
    >>> note(as_rows(np.zeros((5, 128, 9))))
    "rows of shape (128, 9) are read as series of 9 channels and 128 steps;
     layout='pictures' reads them as grey pictures of 128 × 9"
    """
    if len(rows.shape) != 2 or rows.kind != "array" or rows.layout != "auto":
        return None
    if rows.shape[0] == rows.shape[1]:
        return None
    found = find_layout(rows, "auto")
    other: Known = "series" if found == "plane" else "pictures"
    said, instead = (_said(rows.shape, to) for to in (found, _of_two_axes(rows, other)))
    return (
        f"rows of shape {rows.shape} are read as {said}; layout={other!r} reads them as {instead}"
    )


def in_words(rows: Rows) -> str:
    """Describe the layout of arrays in words.

    Examples
    --------
    >>> from fourfold.data.rows import as_rows
    >>> in_words(as_rows(np.zeros((5, 28, 28))))
    'grey pictures of 28 × 28'
    """
    if len(rows.shape) > 3:
        return f"rows of shape {rows.shape}"
    return _said(rows.shape, find_layout(rows, "auto"))


def _said(shape: tuple[int, ...], layout: Layout) -> str:
    if layout == "features":
        return f"{counted(shape[0], 'number')} a row"
    if layout == "plane":
        return f"grey pictures of {shape[0]} × {shape[1]}"
    channels, *sizes = prepared_shape(shape, layout)
    of = counted(channels, "channel")
    if len(sizes) == 1:
        return f"series of {of} and {counted(sizes[0], 'step')}"
    return f"pictures of {sizes[0]} × {sizes[1]} with {of}"


def prepared_shape(shape: tuple[int, ...], layout: Layout) -> tuple[int, ...]:
    """Return the shape of a prepared row: (d,), (C, time) or (C, H, W)."""
    if layout == "plane":
        return (1, *shape)
    return (shape[-1], *shape[:-1]) if layout in {"last", "steps"} else shape


def channel_axes(shape: tuple[int, ...], layout: Layout, *, raw: bool) -> tuple[int, ...]:
    """Return the shape that a value for each channel has beside raw or prepared rows."""
    if layout == "features" or (raw and layout in {"last", "steps", "plane"}):
        return (-1,)
    return (-1, *(1 for _ in prepared_shape(shape, layout)[1:]))


def by_channel(block: NDArray[Any], layout: Layout) -> NDArray[np.float64]:
    """Arrange a block as (observations, features or channels)."""
    block = block.astype(np.float64)
    if layout == "plane":
        return block.reshape(-1, 1)
    if layout in {"first", "series"}:
        block = np.moveaxis(block, 1, -1)
    return block.reshape(-1, block.shape[-1])
