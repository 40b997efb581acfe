"""Folders of pictures, decoded by Pillow."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, final

import numpy as np
from PIL import Image, ImageOps

from fourfold.readers.decoded import DecodedItems, DecodedRows, in_threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.readers.decoded import Encoded

__all__ = ["PictureRows", "endings"]

MOST_SIDE: Final = 224
"""Longest side of a default size; larger pictures are scaled down to it."""
GREY: Final = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow's modes of grey pictures."""
STUBS: Final = frozenset({"BUFR", "GRIB", "HDF5", "MPEG", "WMF"})
"""Formats that Pillow lists, but cannot decode without a plugin."""
TURNED: Final = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap height and width."""
BROKEN: Final = (
    *(OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError),
    *(struct.error, Image.DecompressionBombError),
)
"""Errors of Pillow at a damaged picture."""


@final
class PictureRows(DecodedRows):
    """Pictures as rows, uint8 (n, H, W, C), decoded at the first read.

    Parameters
    ----------
    source
        Encoded pictures.
    size
        Height and width after resizing. By default the size of the pictures if all have the same,
        otherwise the medians of their heights and widths, with the longer side at most 224.
    channels
        1 or 3; by default 1 if all pictures are grey. Transparent parts become white.

    Raises
    ------
    DataError
        If a picture is damaged; the message names it. A damaged header is found at once, other
        damage at the first read.
    """

    kind = "pictures"

    def __init__(
        self, source: Encoded, size: tuple[int, int] | None = None, channels: int | None = None
    ) -> None:
        headers = list(in_threads(lambda at: _size_and_grey(source, at), range(source.n)))
        channels = channels or (1 if all(grey for _, grey in headers) else 3)
        items = _items(source, size or _default_size([found for found, _ in headers]), channels)
        super().__init__(items, np.arange(source.n))

    def resized(self, size: tuple[int, int], channels: int) -> PictureRows:
        """Return the same pictures at another size and number of channels."""
        if (*size, channels) == self.shape:
            return self
        return self._of(_items(self._items.source, size, channels), self._index)

    def fitting(self, shape: tuple[int, ...]) -> PictureRows:
        if len(shape) != 3 or shape[2] not in {1, 3}:
            return self
        return self.resized((shape[0], shape[1]), shape[2])

    @classmethod
    def one_size(
        cls, domains: Sequence[Rows], size: tuple[int, int] | None = None
    ) -> list[PictureRows]:
        """Resize the pictures of several domains to one size, by default the largest of them."""
        pictures = [rows for rows in domains if isinstance(rows, PictureRows)]
        height, width, channels = np.max([rows.shape for rows in pictures], axis=0).tolist()
        return [rows.resized(size or (height, width), channels) for rows in pictures]


def endings() -> frozenset[str]:
    """Return the file endings that Pillow decodes, in lower case with the dot."""
    return frozenset(
        ending
        for ending, kind in Image.registered_extensions().items()
        if kind in Image.OPEN and kind not in STUBS
    )


def _items(source: Encoded, size: tuple[int, int], channels: int) -> DecodedItems:
    decode = partial(_pixels, source, size=size, channels=channels)
    return DecodedItems(source, decode, (*size, channels), np.uint8)


@contextmanager
def _opened(source: Encoded, at: int) -> Iterator[Image.Image]:
    with source.open(at) as file:
        try:
            with Image.open(file) as image:
                yield image
        except BROKEN as error:
            raise source.damaged(at, error) from error


def _size_and_grey(source: Encoded, at: int) -> tuple[tuple[int, int], bool]:
    """Read a picture's height and width, and whether it is grey, from its header."""
    with _opened(source, at) as image:
        turned = image.getexif().get(0x0112) in TURNED
        return image.size if turned else image.size[::-1], image.mode in GREY


def _default_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    height, width = (round(float(np.median([size[i] for size in sizes]))) for i in (0, 1))
    shrink = 1.0 if len(set(sizes)) == 1 else min(1.0, MOST_SIDE / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _pixels(source: Encoded, at: int, *, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Decode one picture: (H, W, C)."""
    height, width = size
    mode = "L" if channels == 1 else "RGB"
    with _opened(source, at) as opened:
        opened.draft(mode, (max(size), max(size)))  # JPEG: decode at a reduced scale
        image = _in_mode(ImageOps.exif_transpose(opened), mode)
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(image).reshape(height, width, channels)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Convert a picture to grey or RGB, with transparent parts in white."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in {"I", "F"}:
        raise ValueError("pixels of 32 bits, whose range is unknown")
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        image = Image.alpha_composite(white, seen)
    return image.convert(mode)
