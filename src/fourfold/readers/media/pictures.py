"""Folders of pictures, decoded by Pillow."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np
from PIL import Image, ImageFile, ImageOps

from fourfold.core.memory import check_fits, memory_limit
from fourfold.readers.files import short
from fourfold.readers.media.decoded import DecodedItems, DecodedRows
from fourfold.readers.media.depth import (
    WHITE,
    check_range,
    highest,
    is_deep,
    keeps_half,
    values,
    white_of,
)
from fourfold.readers.media.threads import taking

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.readers.media.decoded import Encoded

__all__ = ["PictureRows", "endings"]

MOST_SIDE: Final = 224
"""Longest side of a default size; larger pictures are scaled down to it."""
GREY: Final = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow's modes of grey pictures."""
FORMATS: Final = {
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
"""Formats that are read, by Pillow's names, and the endings of their files."""
PIXEL_BYTES: Final = 24
"""Bytes that decoding takes for a pixel: six copies of four channels, if parts are transparent."""
JPEG_BYTES: Final = 6
"""Bytes of coefficients for each pixel of a progressive JPEG, however small it is decoded."""
LOOKED_AT: Final = 256
"""Pictures of 16 or 32 bits that are decoded to find their range, spread over all."""
TURNED: Final = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap height and width."""


@final
class PictureRows(DecodedRows):
    """Pictures as rows, (n, H, W, C) from 0 to 255, decoded at the first read.

    Rows are uint8, and float32 as soon as a picture has 16 or 32 bits a pixel: these are scaled by
    the range of them all, so that nothing of a camera's 12 bits is lost in files of 16.

    Parameters
    ----------
    source
        Encoded pictures.
    size
        Height and width after resizing. By default the size of the pictures if all have the same,
        otherwise the medians of their heights and widths, with the longer side at most 224.
    channels
        1 or 3; by default 1 if all pictures are grey. Transparent parts become white.
    white
        Value that is white in pictures of 16 or 32 bits; by default 2ᵇ − 1 for the fewest bits that
        hold the values of 256 of them. Brighter pixels become more than 255.

    Attributes
    ----------
    white
        The value that is white; None where all pictures have 8 bits.

    Raises
    ------
    DataError
        If a picture is damaged, of another format than PNG, JPEG, GIF, BMP, WebP, TIFF and PPM, or
        takes more memory than reading may; also one of 16 bits a channel in colour, of which 8 are
        read, if these are hardly used. The message names it. What the header tells is found at
        once, other damage at the first read.
    """

    kind = "pictures"

    def __init__(
        self,
        source: Encoded,
        size: tuple[int, int] | None = None,
        channels: int | None = None,
        white: float | None = None,
    ) -> None:
        limit = memory_limit()
        headers = source.of_all(lambda at: _header(source, at, limit))
        channels = channels or (1 if all(header.grey for header in headers) else 3)
        size = size or _default_size([header.size for header in headers])
        white = white or _white(source, headers, limit)
        source.sizes = frozenset(header.size for header in headers)
        super().__init__(_items(source, size, channels, white), np.arange(source.n))

    def resized(
        self, size: tuple[int, int], channels: int, white: float | None = None
    ) -> PictureRows:
        """Return the same pictures at another size, number of channels and value of white."""
        white = white or self.white
        if (*size, channels) == self.shape and white == self.white:
            return self
        return self._of(_items(self._items.source, size, channels, white), self._index)

    @property
    def sizes(self) -> frozenset[tuple[int, int]]:
        """Heights and widths of the pictures before they were brought to one size."""
        return self._items.source.sizes

    def fitting(self, shape: tuple[int, ...], white: float | None = None) -> PictureRows:
        if len(shape) != 3 or shape[2] not in {1, 3}:
            return self
        return self.resized((shape[0], shape[1]), shape[2], white)

    @classmethod
    def one_size(
        cls, domains: Sequence[Rows], size: tuple[int, int] | None = None
    ) -> list[PictureRows]:
        """Bring the pictures of several domains to one size and white, the largest of them."""
        pictures = [rows for rows in domains if isinstance(rows, PictureRows)]
        height, width, channels = np.max([rows.shape for rows in pictures], axis=0).tolist()
        white = max((rows.white for rows in pictures if rows.white), default=None)
        return [rows.resized(size or (height, width), channels, white) for rows in pictures]


def describe_sizes(parts: Sequence[Rows]) -> str:
    """Name the common size of pictures of several ones, and the white of 16 bits.

    It is empty for pictures of 8 bits of one size.
    """
    rows = [part for part in parts if isinstance(part, PictureRows)]
    sizes = sorted({size for part in rows for size in part.sizes})
    target = rows[0].shape[:2] if rows else ()
    white = next((part.white for part in rows if part.white), None)
    deep = [] if white is None else [f"16 bits or more, 0 to {white:g} as black to white"]
    if all(size == target for size in sizes):
        return "; ".join(deep)
    shown = [f"{height}×{width}" for height, width in sizes]
    given = shown[0] if len(shown) == 1 else f"{shown[0]} to {shown[-1]}"
    return "; ".join([*deep, f"resized to {target[0]}×{target[1]}; the files are {given}"])


def endings() -> frozenset[str]:
    """Return the endings of pictures that are read, in lower case with the dot."""
    return frozenset(ending for endings in FORMATS.values() for ending in endings)


def _items(
    source: Encoded, size: tuple[int, int], channels: int, white: float | None
) -> DecodedItems:
    limit = memory_limit()
    decode = partial(_pixels, source, size=size, channels=channels, white=white, limit=limit)
    return DecodedItems(source, decode, (*size, channels), np.float32 if white else np.uint8, white)


@contextmanager
def _opened(source: Encoded, at: int) -> Iterator[ImageFile.ImageFile]:
    with source.open(at) as file, Image.open(file, formats=list(FORMATS)) as image:
        yield image


class _Header(NamedTuple):
    """Height and width of a picture, whether it is grey, of 16 bits or more, or read by half."""

    size: tuple[int, int]
    grey: bool
    deep: bool
    halved: bool


def _header(source: Encoded, at: int, limit: int) -> _Header:
    """Read a header, and refuse a picture that is too large at its smallest scale."""
    with _opened(source, at) as image:
        size, *about = image.size, image.mode in GREY, is_deep(image), keeps_half(image)
        needed = _drafted_bytes(source, at, image, None, 1, limit)
        with taking(needed, limit):  # a PNG may tell behind its pixels how it is turned
            turned = image.getexif().get(0x0112) in TURNED
        return _Header(size if turned else size[::-1], *about)


def _white(source: Encoded, headers: Sequence[_Header], limit: int) -> float | None:
    """Find the value that is white in pictures of 16 or 32 bits; None without any."""

    def peak(at: int) -> float:
        with (
            _opened(source, at) as image,
            taking(_drafted_bytes(source, at, image, None, max(image.size), limit), limit),
        ):
            return highest(image)

    halved = [at for at, header in enumerate(headers) if header.halved]
    deep = [at for at, header in enumerate(headers) if header.deep]
    check_range(source.of_all(peak, _spread(halved)))
    return white_of(source.of_all(peak, _spread(deep))) if deep else None


def _spread(items: Sequence[int]) -> Sequence[int]:
    """Return at most 256 of some items, spread over all."""
    return items[:: -(-len(items) // LOOKED_AT) or 1]


def _drafted_bytes(
    source: Encoded, at: int, image: Image.Image, mode: str | None, side: int, limit: int
) -> int:
    """Return the bytes that decoding takes; a JPEG is decoded at a scale near a side's length."""
    coefficients = JPEG_BYTES * prod(image.size) if image.format in {"JPEG", "MPO"} else 0
    image.draft(mode, (side, side))
    needed = coefficients + PIXEL_BYTES * prod(image.size)
    check_fits(needed, f"the picture {short(source.name(at))}, decoded,", limit)
    return needed


def _default_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    height, width = (round(float(np.median([size[i] for size in sizes]))) for i in (0, 1))
    shrink = 1.0 if len(set(sizes)) == 1 else min(1.0, MOST_SIDE / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _pixels(
    source: Encoded,
    at: int,
    *,
    size: tuple[int, int],
    channels: int,
    white: float | None,
    limit: int,
) -> NDArray[np.uint8 | np.float32]:
    """Decode one picture: (H, W, C)."""
    height, width = size
    mode = "L" if channels == 1 else "RGB"
    with (
        _opened(source, at) as opened,
        taking(_drafted_bytes(source, at, opened, mode, max(size), limit), limit),
    ):
        image = ImageOps.exif_transpose(opened)
        if is_deep(image):
            image = Image.fromarray(values(image) * np.float32(WHITE / (white or WHITE)))
        else:
            image = _in_mode(image, mode)
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, np.float32 if white else np.uint8)
        return np.broadcast_to(pixels.reshape(height, width, -1), (height, width, channels))


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Convert a picture to grey or RGB, with transparent parts in white."""
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        image = Image.alpha_composite(white, seen)
    return image.convert(mode)
