"""Folders of pictures: decoded by Pillow, at most once where they fit in memory."""

from __future__ import annotations

import os
import struct
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Final, NamedTuple, Self, TypeVar, final

import numpy as np
from PIL import Image, ImageOps
from xxhash import xxh3_128_digest

from fourfold.errors import DataError, FileError
from fourfold.rows import KEY, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from fourfold.rows import Index, Keys

__all__ = ["PictureFiles", "PictureRows", "PictureSource", "one_size", "read_folder"]

T = TypeVar("T")

KEEP_BYTES: Final = 1 << 29
"""Pictures are kept decoded up to so many bytes."""
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


class PictureSource(ABC):
    """Encoded pictures, read by position."""

    @property
    @abstractmethod
    def n(self) -> int:
        """How many pictures there are."""

    @abstractmethod
    def name(self, at: int) -> str:
        """How messages call a picture."""

    @abstractmethod
    def open(self, at: int) -> BinaryIO:
        """Open a picture's encoded bytes."""

    @abstractmethod
    def content(self, at: int) -> bytes:
        """Return 16 bytes that stand for a picture's encoded bytes."""


@final
class PictureFiles(PictureSource):
    """Pictures in files.

    A file's content is hashed once in a process, as long as its size and time stay the same.

    Parameters
    ----------
    files
        Paths, in order.
    """

    MOST: ClassVar = 1_000_000
    _known: ClassVar[dict[tuple[str, int, int], bytes]] = {}

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = [os.fspath(file) for file in files]

    @property
    def n(self) -> int:
        return len(self.files)

    def name(self, at: int) -> str:
        return self.files[at]

    def open(self, at: int) -> BinaryIO:
        return Path(self.files[at]).open("rb")

    def content(self, at: int) -> bytes:
        file = Path(self.files[at])
        try:
            stat = file.stat()
            known, key = self._known, (str(file.absolute()), stat.st_size, stat.st_mtime_ns)
            if key not in known:
                while len(known) >= self.MOST:
                    known.pop(next(iter(known)), None)
                known[key] = xxh3_128_digest(file.read_bytes())
        except OSError as error:
            raise _unreadable(self, at, error) from error
        return known[key]


class _Header(NamedTuple):
    height: int
    width: int
    grey: bool


@final
class PictureRows(Rows):
    """Pictures as rows: uint8 (n, H, W, C), decoded when they are first read.

    The first read decodes all of them, so that a damaged picture is found before any training;
    what fits in 512 MB is kept.

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
        self,
        source: PictureSource,
        size: tuple[int, int] | None = None,
        channels: int | None = None,
    ) -> None:
        headers = list(_in_threads(lambda at: _header(source, at), range(source.n)))
        grey = all(header.grey for header in headers)
        self._album = _Album(source, size or _usual_size(headers), channels or (1 if grey else 3))
        self._index: Index = np.arange(source.n)

    @classmethod
    def _of(cls, album: _Album, index: Index) -> Self:
        rows = object.__new__(cls)
        rows._album, rows._index = album, index
        return rows

    @property
    def n(self) -> int:
        return len(self._index)

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self._album.size, self._album.channels)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def take(self, index: Index) -> NDArray[np.uint8]:
        return self._album.take(self._index[index])

    def subset(self, index: Index) -> PictureRows:
        return self._of(self._album, self._index[index])

    def resized(self, size: tuple[int, int], channels: int) -> PictureRows:
        """Return the same pictures at another size and number of channels."""
        if (*size, channels) == self.shape:
            return self
        return self._of(_Album(self._album.source, size, channels), self._index)

    def _hash(self) -> Keys:
        salt = f"picture{self.shape}".encode()
        contents = _in_threads(self._album.source.content, self._index.tolist())
        keys = np.empty(self.n, KEY)
        for i, content in enumerate(contents):
            keys[i] = np.void(xxh3_128_digest(content + salt))
        return keys


@final
class _Album:
    """Pictures at one size, shared by all rows that show a part of them."""

    def __init__(self, source: PictureSource, size: tuple[int, int], channels: int) -> None:
        self.source, self.size, self.channels = source, size, channels
        self.pixels: NDArray[np.uint8] | None = None
        self.checked = False
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock())

    def take(self, where: Index) -> NDArray[np.uint8]:
        with self._lock:
            if not self.checked:
                self._decode_all()
        return self._decode(where) if self.pixels is None else self.pixels[where]

    def _decode_all(self) -> None:
        """Decode every picture once; keep them where they fit."""
        shape = (self.source.n, *self.size, self.channels)
        pixels = np.empty(shape, np.uint8) if np.prod(shape) <= KEEP_BYTES else None
        everyone = iter(range(self.source.n))
        while part := list(islice(everyone, 256)):
            decoded = self._decode(np.array(part))
            if pixels is not None:
                pixels[part] = decoded
        self.pixels, self.checked = pixels, True

    def _decode(self, where: Index) -> NDArray[np.uint8]:
        decoded = np.empty((len(where), *self.size, self.channels), np.uint8)
        one = _in_threads(lambda at: _pixels(self.source, at, self.size, self.channels), where)
        for i, picture in enumerate(one):
            decoded[i] = picture
        return decoded


def read_folder(folder: Path, size: tuple[int, int] | None) -> tuple[PictureRows, Any]:
    """Read a folder of pictures.

    Parameters
    ----------
    folder
        A sub-folder, with all that lies below it, is a class, called by its name; pictures that
        lie beside the sub-folders have no label. Hidden files and those that are no pictures, by
        their ending, are passed over.
    size
        Height and width; by default chosen from the pictures.

    Returns
    -------
    The pictures in the order of their paths, and their labels, or None if none has one.

    Raises
    ------
    DataError
        If there is no picture, or one has a damaged header.
    """
    found = sorted(_pictures_in(folder))
    if not found:
        raise DataError(f"{folder} must hold pictures, by sub-folders or flat; there is none")
    labels = [parts[0] if len(parts) > 1 else None for parts in found]
    rows = PictureRows(PictureFiles([folder.joinpath(*parts) for parts in found]), size)
    labelled = any(label is not None for label in labels)
    return rows, np.array(labels, object) if labelled else None


def one_size(
    domains: Sequence[PictureRows], size: tuple[int, int] | None = None
) -> list[PictureRows]:
    """Give several piles of pictures one size, by default the largest, and as many channels."""
    height, width, channels = np.max([rows.shape for rows in domains], axis=0).tolist()
    return [rows.resized(size or (height, width), channels) for rows in domains]


def _pictures_in(folder: Path) -> Iterator[tuple[str, ...]]:
    """Find the paths below a folder, in parts, of files with a picture's ending."""
    endings = {
        ending
        for ending, kind in Image.registered_extensions().items()
        if kind in Image.OPEN and kind not in STUBS
    }
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.suffix.lower() in endings and not hidden and path.is_file():
            yield parts


def _in_threads(work: Callable[[int], T], items: Any) -> Iterator[T]:
    """Work on items in threads, in order: Pillow lets go of the interpreter while it decodes."""
    items = [int(item) for item in items]
    if len(items) < 2:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        yield from pool.map(work, items)


def _open(source: PictureSource, at: int) -> BinaryIO:
    try:
        return source.open(at)
    except OSError as error:
        raise _unreadable(source, at, error) from error


def _unreadable(source: PictureSource, at: int, error: OSError) -> FileError:
    return FileError(f"the picture {source.name(at)} must be readable; got: {error}")


def _damaged(source: PictureSource, at: int, error: BaseException) -> DataError:
    return DataError(
        f"the picture {source.name(at)} must be whole and readable: replace or remove it; "
        f"got: {error}"
    )


def _header(source: PictureSource, at: int) -> _Header:
    with _open(source, at) as file:
        try:
            with Image.open(file) as image:
                width, height = image.size
                if image.getexif().get(0x0112) in TURNED:
                    width, height = height, width
                return _Header(height, width, image.mode in GREY)
        except BROKEN as error:
            raise _damaged(source, at, error) from error


def _usual_size(headers: Sequence[_Header]) -> tuple[int, int]:
    height, width = (round(float(np.median([h[i] for h in headers]))) for i in (0, 1))
    one = all(header[:2] == headers[0][:2] for header in headers)
    shrink = 1.0 if one else min(1.0, MOST_SIDE / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _pixels(
    source: PictureSource, at: int, size: tuple[int, int], channels: int
) -> NDArray[np.uint8]:
    """Decode one picture: (H, W, C)."""
    height, width = size
    mode = "L" if channels == 1 else "RGB"
    with _open(source, at) as file:
        try:
            with Image.open(file) as opened:
                opened.draft(mode, (max(size), max(size)))  # JPEG: decode no more than is needed
                image = _in_mode(ImageOps.exif_transpose(opened), mode)
                if image.size != (width, height):
                    image = image.resize((width, height), Image.Resampling.BILINEAR)
                return np.asarray(image).reshape(height, width, channels)
        except BROKEN as error:
            raise _damaged(source, at, error) from error


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
