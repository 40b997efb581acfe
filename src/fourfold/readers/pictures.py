"""Folders of pictures, decoded by Pillow."""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
from PIL import Image, ImageOps

from fourfold.readers.decoded import DecodedRows, Shelf
from fourfold.readers.encoded import EncodedFiles, in_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.readers.encoded import Encoded
    from fourfold.readers.folders import Folder

__all__ = ["PictureRows", "endings", "one_size", "read_folder"]

MOST_SIDE: Final = 224
"""Pictures whose usual size is larger are shrunk so that the longer side has so many pixels."""
GREY: Final = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow's modes of grey pictures."""
STUBS: Final = frozenset({"BUFR", "GRIB", "HDF5", "MPEG", "WMF"})
"""Formats that Pillow names, but does not decode by itself."""
TURNED: Final = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap height and width."""
BROKEN: Final = (
    *(OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError),
    *(struct.error, Image.DecompressionBombError),
)
"""What Pillow raises at a picture that is damaged."""


class _Header(NamedTuple):
    height: int
    width: int
    grey: bool


@final
class PictureRows(DecodedRows):
    """Pictures as rows: uint8 (n, H, W, C), decoded when they are first read.

    Parameters
    ----------
    source
        Encoded pictures.
    size
        Height and width to which all are resized. By default that of the pictures if they have
        one, else the medians of their heights and widths, the longer side at most 224.
    channels
        1 or 3; by default 1 if all pictures are grey. Transparent parts become white.

    Raises
    ------
    DataError
        If a picture cannot be read; the message names it. At once where its header is damaged,
        else at the first read.
    """

    kind = "pictures"

    def __init__(
        self, source: Encoded, size: tuple[int, int] | None = None, channels: int | None = None
    ) -> None:
        headers = list(in_threads(lambda at: _header(source, at), range(source.n)))
        grey = all(header.grey for header in headers)
        self._shelf = _shelf(source, size or _usual_size(headers), channels or (1 if grey else 3))
        self._index = np.arange(source.n)

    def resized(self, size: tuple[int, int], channels: int) -> PictureRows:
        """Return the same pictures at another size and number of channels."""
        if (*size, channels) == self.shape:
            return self
        return self._of(_shelf(self._shelf.source, size, channels), self._index)

    def fitting(self, shape: tuple[int, ...]) -> PictureRows:
        if len(shape) != 3 or shape[2] not in {1, 3}:
            return self
        return self.resized((shape[0], shape[1]), shape[2])


def read_folder(folder: Folder, size: tuple[int, int] | None) -> tuple[PictureRows, Any]:
    """Read a folder of pictures.

    Parameters
    ----------
    folder
        Files with a picture's ending.
    size
        Height and width; by default chosen from the pictures.

    Returns
    -------
    The pictures in the order of their paths, and their labels, or None if none has one.

    Raises
    ------
    DataError
        If a picture has a damaged header.
    """
    return PictureRows(EncodedFiles(folder.paths, "picture"), size), folder.labels


def one_size(
    domains: Sequence[PictureRows], size: tuple[int, int] | None = None
) -> list[PictureRows]:
    """Give several piles of pictures one size, by default the largest, and as many channels."""
    height, width, channels = np.max([rows.shape for rows in domains], axis=0).tolist()
    return [rows.resized(size or (height, width), channels) for rows in domains]


def endings() -> frozenset[str]:
    """Return the endings of the files that Pillow decodes, in small letters with the dot."""
    return frozenset(
        ending
        for ending, kind in Image.registered_extensions().items()
        if kind in Image.OPEN and kind not in STUBS
    )


def _shelf(source: Encoded, size: tuple[int, int], channels: int) -> Shelf:
    decode = partial(_pixels, source, size=size, channels=channels)
    return Shelf(source, decode, (*size, channels), np.uint8)


def _header(source: Encoded, at: int) -> _Header:
    with source.open(at) as file:
        try:
            with Image.open(file) as image:
                width, height = image.size
                if image.getexif().get(0x0112) in TURNED:
                    width, height = height, width
                return _Header(height, width, image.mode in GREY)
        except BROKEN as error:
            raise source.damaged(at, error) from error


def _usual_size(headers: Sequence[_Header]) -> tuple[int, int]:
    height, width = (round(float(np.median([h[i] for h in headers]))) for i in (0, 1))
    one = all(header[:2] == headers[0][:2] for header in headers)
    shrink = 1.0 if one else min(1.0, MOST_SIDE / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _pixels(source: Encoded, at: int, *, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Decode one picture: (H, W, C)."""
    height, width = size
    mode = "L" if channels == 1 else "RGB"
    with source.open(at) as file:
        try:
            with Image.open(file) as opened:
                opened.draft(mode, (max(size), max(size)))  # JPEG: decode no more than is needed
                image = _in_mode(ImageOps.exif_transpose(opened), mode)
                if image.size != (width, height):
                    image = image.resize((width, height), Image.Resampling.BILINEAR)
                return np.asarray(image).reshape(height, width, channels)
        except BROKEN as error:
            raise source.damaged(at, error) from error


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Convert a picture to grey or RGB as one sees it: transparent parts on white."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in {"I", "F"}:
        raise ValueError("pixels of 32 bits, whose range is not known")
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        image = Image.alpha_composite(white, seen)
    return image.convert(mode)
