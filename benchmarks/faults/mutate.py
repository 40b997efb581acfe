"""Mutated files of every format that is read: small valid samples, and random damage to them.

Damage is of two kinds: to the bytes, and to what they mean, under valid checksums and compression.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Random = np.random.Generator

__all__ = ["FORMATS", "Format", "mutate"]

NUMBERS: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Numbers at the edges of their types."""
WORDS: Final = (
    *(b"nan", b"-1", b"1e999", b"99999999999999999999", b"2147483648", b"null", b"{}", b"[]"),
    *(b'"', b"\\", b"\x00", b"\n", b",", b"\xff\xfe", b"\xc3\x28", b"=1+1", b"'", b"\xef\xbb\xbf"),
)
"""Words that mean something in texts, and bytes that are none."""
LONGEST: Final = 1 << 20
"""Largest damaged file, in bytes."""
WHOLE: Final = re.compile(rb"\d+")


class Format(NamedTuple):
    """A format of files: its ending, valid samples of it, and the reading of one of them."""

    ending: str
    samples: Callable[[], list[bytes]]
    read: Callable[[Path], object]


def mutate(content: bytes, rng: Random) -> bytes:
    """Damage a file at one to four places, or the content that it packs."""
    if rng.random() < 0.5:
        packed = _inside(content, rng)
        if packed is not None:
            return packed
    for _ in range(int(rng.integers(1, 5))):
        content = _damaged(content, rng)[:LONGEST]
    return content


def _damaged(content: bytes, rng: Random) -> bytes:
    """Damage bytes at one place, often near an end: headers and footers are there."""
    if not content:
        return rng.bytes(8)
    at = int(rng.integers(len(content)))
    if rng.random() < 0.3:
        near = int(rng.integers(min(len(content), 64)))
        at = near if rng.random() < 0.5 else len(content) - 1 - near
    damage = DAMAGES[int(rng.integers(len(DAMAGES)))]
    return damage(content, at, rng)


def _span(content: bytes, at: int, rng: Random) -> int:
    return int(rng.integers(1, 1 + min(64, len(content) - at)))


def _flip(content: bytes, at: int, rng: Random) -> bytes:
    return content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]


def _noise(content: bytes, at: int, rng: Random) -> bytes:
    span = _span(content, at, rng)
    return content[:at] + rng.bytes(span) + content[at + span :]


def _cut(content: bytes, at: int, _rng: Random) -> bytes:
    return content[:at]


def _drop(content: bytes, at: int, rng: Random) -> bytes:
    return content[:at] + content[at + _span(content, at, rng) :]


def _move(content: bytes, at: int, rng: Random) -> bytes:
    """Copy bytes of another place between or over those at this one."""
    other = int(rng.integers(len(content)))
    span = _span(content, at, rng)
    behind = at if rng.random() < 0.5 else at + span
    return content[:at] + content[other : other + span] + content[behind:]


def _number(content: bytes, at: int, rng: Random) -> bytes:
    """Write a number at the edge of its type."""
    width = int(rng.choice([1, 2, 4, 8]))
    number = (int(rng.choice(NUMBERS)) % (1 << 8 * width)).to_bytes(width, "little")
    return content[:at] + (number if rng.random() < 0.5 else number[::-1]) + content[at + width :]


def _word(content: bytes, at: int, rng: Random) -> bytes:
    return content[:at] + WORDS[int(rng.integers(len(WORDS)))] + content[at:]


def _digits(content: bytes, at: int, rng: Random) -> bytes:
    """Replace a number that is written in digits, the next one."""
    match = WHOLE.search(content, at)
    if match is None:
        return _flip(content, at, rng)
    number = str(int(rng.integers(1, 2**62)) >> int(rng.integers(62))).encode()
    return content[: match.start()] + number + content[match.end() :]


def _repeat(content: bytes, at: int, rng: Random) -> bytes:
    copies = int(rng.choice([2, 10, 300, 30_000]))
    return content[:at] + content[at : at + int(rng.integers(1, 9))] * copies + content[at:]


DAMAGES: Final = (_flip, _noise, _cut, _drop, _move, _number, _word, _digits, _repeat)


def _inside(content: bytes, rng: Random) -> bytes | None:
    """Damage the content that a file packs, under valid checksums; None where nothing is packed."""
    if content[:2] == b"\x1f\x8b":
        return gzip.compress(mutate(gzip.decompress(content), rng), 1, mtime=0)
    if content[:4] == b"PK\x03\x04":
        return _zip(content, rng)
    if content[:4] == b"\x89PNG":
        return _png(_damaged(content, rng))
    return None


def _zip(content: bytes, rng: Random) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
        names = old.namelist()
        chosen = str(rng.choice(names))
        for name in names:
            inside = old.read(name)
            method = int(rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA]))
            new.writestr(name, mutate(inside, rng) if name == chosen else inside, method)
    return packed.getvalue()


def _png(content: bytes) -> bytes:
    """Make the checksums of a PNG's chunks valid."""
    fixed, at = content[:8], 8
    while at + 12 <= len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        inside = content[at + 4 : at + 8 + min(size, len(content))]
        fixed += content[at : at + 4] + inside + struct.pack(">I", zlib.crc32(inside))
        at += 12 + size
    return fixed + content[at:]


# --- samples --------------------------------------------------------------------------------------

CSV: Final = b"""age,town,joined,member,cost,label
34,Ulm,2020-01-31,true,1.5,good
,"Bonn, ""am Rhein"" ",,false,2,
41,,2021-12-24,,NA,bad
"""
LINES: Final = rb"""{"age": 34, "town": "Ulm", "joined": "2020-01-31", "label": "a\"b"}
{"age": null, "town": "Gr\u00f6\u00dfe", "x": true, "label": "c"}
{"age": 1.5, "x": false}
"""
VECTORS: Final = b"3 4\nfire 1 2 3 4\nice_cream 0.5 -1 2e3 4\nNew York 1 2 3 4\n"
CLASSES: Final = b'{"horse": {"hoofs": 1, "size": "large"}, "crow": {"hoofs": 0, "size": "small"}}'


def _numpy() -> list[bytes]:
    arrays = (np.eye(5), np.arange(12, dtype=np.uint8).reshape(3, 4), np.ones((2, 3), "<f2"))
    return [_saved(np.save, array) for array in arrays]


def _npz() -> list[bytes]:
    X, y = np.eye(6, dtype=np.float32), np.arange(6)
    return [_saved(np.savez, X=X, y=y), _saved(np.savez_compressed, X=X, y=y.astype("U3"))]


def _parquet(first: float | None = None) -> list[bytes]:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = pd.DataFrame(
        {
            "n": [1, 2, first],
            "c": pd.Categorical(["a", "b", "a"]),
            "t": ["long text", None, "Größe"],
            "d": pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
            "b": [True, False, True],
            "y": [0, 1, 1],
        },
        index=pd.Index([5, 7, 9], name="id"),
    )
    table = pa.Table.from_pandas(frame)
    forms: list[dict[str, Any]] = [
        {},
        {"compression": "zstd", "version": "2.6", "data_page_version": "2.0"},
        {"compression": "none", "use_dictionary": False, "write_statistics": False},
        {"compression": "gzip", "row_group_size": 2, "store_schema": False},
    ]
    return [_saved(lambda file, form=form: pq.write_table(table, file, **form)) for form in forms]


def _sheets() -> list[bytes]:
    import datetime as dt

    import openpyxl

    book = openpyxl.Workbook()
    for row in (
        ["n", "text", "day", "yes", "label"],
        [1, "a", dt.datetime(2020, 1, 31), True, "x"],  # noqa: DTZ001  sheets know no zones
        [2.5, None, dt.datetime(2021, 2, 1, 12), False, "y"],  # noqa: DTZ001
        [None, "Größe", None, "#N/A", 3],
    ):
        book.active.append(row)
    return [_saved(book.save)]


def _pictures(kind: str, *modes: str, **options: Any) -> Callable[[], list[bytes]]:
    def samples() -> list[bytes]:
        from PIL import Image

        pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 4), np.uint8)
        pictures = [Image.fromarray(pixels).convert(mode) for mode in modes]
        return [_saved(lambda file, p=p: p.save(file, kind, **options)) for p in pictures]

    return samples


def _sounds(*kinds: tuple[str, str], channels: int = 2) -> Callable[[], list[bytes]]:
    def samples() -> list[bytes]:
        import soundfile

        waves = np.random.default_rng(0).uniform(-0.5, 0.5, (4000, channels))
        return [
            _saved(lambda file, k=k: soundfile.write(file, waves, 8000, k[1], format=k[0]))
            for k in kinds
        ]

    return samples


def _saved(write: Callable[..., object], *given: Any, **named: Any) -> bytes:
    file = io.BytesIO()
    write(file, *given, **named)
    return file.getvalue()


def _packed(samples: Callable[[], list[bytes]]) -> Callable[[], list[bytes]]:
    return lambda: [gzip.compress(content, mtime=0) for content in samples()]


# --- reading --------------------------------------------------------------------------------------


def _domain(path: Path) -> object:
    """Read a file, or the folder around a picture, a sound or a text: all rows and their keys."""
    from fourfold.readers import read_domain
    from fourfold.readers.parts import is_table

    alone = path.name.lower().endswith(INSIDE)
    domain = read_domain(path.parent if alone else path, label="label" if is_table(path) else None)
    return domain.rows.take(np.arange(domain.n_rows)), domain.rows.keys


def _classes(path: Path) -> object:
    from fourfold.readers import read_classes

    return read_classes(path).contents


def _vectors(path: Path) -> object:
    from fourfold.readers.vectors import WordVectors

    if path.suffix == ".npy":
        words = path.with_suffix(".txt")
        words.write_text("a\nb\nc\n")
    return WordVectors.open(path).words


INSIDE: Final = (
    *(".png", ".jpg", ".gif", ".bmp", ".webp", ".tif", ".ppm", ".wav", ".flac", ".ogg", ".mp3"),
    *(".aiff", ".txt"),
)
FORMATS: Final[Mapping[str, Format]] = {
    "csv": Format(".csv", lambda: [CSV, CSV.replace(b",", b";")], _domain),
    "csv.gz": Format(".csv.gz", _packed(lambda: [CSV]), _domain),
    "jsonl": Format(".jsonl", lambda: [LINES], _domain),
    "jsonl.gz": Format(".jsonl.gz", _packed(lambda: [LINES]), _domain),
    "parquet": Format(".parquet", _parquet, _domain),
    "xlsx": Format(".xlsx", _sheets, _domain),
    "npz": Format(".npz", _npz, _domain),
    "npy": Format(".npy", _numpy, _domain),
    "png": Format(".png", _pictures("PNG", "RGB", "L", "P", "RGBA", "1", "I;16"), _domain),
    "jpeg": Format(".jpg", _pictures("JPEG", "RGB", "L", "CMYK", progressive=True), _domain),
    "gif": Format(".gif", _pictures("GIF", "RGB", "P", "L"), _domain),
    "bmp": Format(".bmp", _pictures("BMP", "RGB", "P", "L", "1"), _domain),
    "webp": Format(".webp", _pictures("WEBP", "RGB", "RGBA"), _domain),
    "tiff": Format(".tif", _pictures("TIFF", "RGB", "L", "RGBA", "1", "I;16"), _domain),
    "tiff packed": Format(".tif", _pictures("TIFF", "RGB", "L", compression="tiff_lzw"), _domain),
    "ppm": Format(".ppm", _pictures("PPM", "RGB", "L", "1"), _domain),
    "wav": Format(
        ".wav",
        _sounds(
            *(("WAV", kind) for kind in ("PCM_16", "FLOAT", "IMA_ADPCM", "GSM610", "ULAW")),
            channels=1,
        ),
        _domain,
    ),
    "flac": Format(".flac", _sounds(("FLAC", "PCM_16"), ("FLAC", "PCM_24")), _domain),
    "ogg": Format(".ogg", _sounds(("OGG", "VORBIS"), ("OGG", "OPUS")), _domain),
    "aiff": Format(
        ".aiff", _sounds(*(("AIFF", kind) for kind in ("PCM_16", "FLOAT", "ULAW"))), _domain
    ),
    "mp3": Format(".mp3", _sounds(("MP3", "MPEG_LAYER_III")), _domain),
    "text": Format(".txt", lambda: ["Größe, naïve, 数据\nand more.".encode()], _domain),
    "classes.json": Format(
        ".json", lambda: [CLASSES, json.dumps({"a": [1, 2.5], "b": [0, -1]}).encode()], _classes
    ),
    "classes.csv": Format(".csv", lambda: [b"name,hoofs,legs\nhorse,1,4\n007,0,2\n"], _classes),
    "classes.parquet": Format(".parquet", lambda: _parquet(3), _classes),
    "vectors": Format(".vec", lambda: [VECTORS, VECTORS[4:]], _vectors),
    "vectors.gz": Format(".vec.gz", _packed(lambda: [VECTORS]), _vectors),
    "vectors.npy": Format(".npy", lambda: [_saved(np.save, np.eye(3))], _vectors),
}
"""Name → format."""
