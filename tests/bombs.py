"""Small files that say, or unpack to, far more than reading may take.

As a program it reads them, and prints the error of each and by how many bytes the process grew.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import sys
import zipfile
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

LIMIT = 64 << 20
"""Bytes that reading may take; every bomb needs several times as many."""


def _gzipped(line: bytes, head: bytes = b"") -> bytes:
    """Return a gzip file of 300 MB, of equal members."""
    return gzip.compress(head) + gzip.compress(line * (3_000_000 // len(line)), 1) * 100


def _npz() -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (25 * 10**6,)}
    )
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("X.npy", "w") as member,
    ):
        member.write(header.getvalue())
        for _ in range(20):
            member.write(bytes(10**7))
    return file.getvalue()


def _skops() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("schema.json", "{}")
        with archive.open("a.npy", "w") as member:
            for _ in range(12):
                member.write(bytes(10**7))
    return file.getvalue()


def _sheet(part: str, end: bytes, content: bytes, copies: int) -> bytes:
    """Return an Excel file with copies of a content before an end in one of its parts."""
    import openpyxl

    book, file, packed = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append([1, 2])
    book.active.append([1, 2])
    book.save(file)
    with (
        zipfile.ZipFile(file) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        parts = {name: old.read(name) for name in old.namelist()}
        if part == STRINGS:  # which openpyxl does not write
            parts[part] = b"<sst xmlns='%s'></sst>" % CELLS
            head, found, tail = parts["[Content_Types].xml"].rpartition(b"</")
            parts["[Content_Types].xml"] = head + STRINGS_TYPE + found + tail
        head, found, tail = parts[part].rpartition(end)
        parts[part] = head + content * copies + found + tail
        for name, inside in parts.items():
            new.writestr(name, inside)
    return packed.getvalue()


SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
CELLS = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRINGS_TYPE = (
    b"<Override PartName='/xl/sharedStrings.xml' ContentType='application/"
    b"vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml'/>"
)


def _parquet(*columns: object) -> bytes:
    """Return a file of 100 row groups of one column each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    table = pa.table({str(i): column for i, column in enumerate(columns)})
    with pq.ParquetWriter(file, table.schema, compression="zstd") as writer:
        for _ in range(100):
            writer.write_table(table)
    return file.getvalue()


def _texts() -> bytes:
    """Return a Parquet file of 100,000 copies of a text of 10 kB."""
    import pyarrow as pa

    places = pa.array(np.zeros(1000, np.int32))
    return _parquet(pa.DictionaryArray.from_arrays(places, ["x" * 10_000]).cast(pa.string()))


def _png(side: int = 12_000) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )  # fmt: skip

    rows = zlib.compress(bytes((1 + side // 8) * side), 1)
    header = struct.pack(">2I5B", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def _flac() -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.zeros(4_000_000, np.int16), 8000, format="FLAC")
    return file.getvalue()


def _keys() -> bytes:
    return b"".join(b'{"k%d":1}\n' % i for i in range(8000))


BOMBS = {
    "zeros.npz": _npz,
    "ints.parquet": lambda: _parquet(np.zeros(100_000, np.int64)),
    "texts.parquet": _texts,
    "row.xlsx": lambda: _sheet(SHEET, b"</row>", b"<c/>", 5_000_000),
    "rows.xlsx": lambda: _sheet(
        SHEET, b"</row>", b"</row><row><c><v>1</v></c><c><v>1</v></c>", 500_000
    ),
    "hidden.xlsx": lambda: _sheet(SHEET, b"</row>", b"<c/><!-- </row> -->", 1_000_000),
    "strings.xlsx": lambda: _sheet(STRINGS, b"</sst>", b"<si><t>a</t></si>", 2_000_000),
    "styles.xlsx": lambda: _sheet("xl/styles.xml", b"</styleSheet>", b"<a/>", 1_000_000),
    "rows.csv.gz": lambda: _gzipped(b"1,2\n", b"a,b\n"),
    "line.csv.gz": lambda: _gzipped(b"1,2,"),
    "blank.csv": lambda: b"a" + b"," * 9999 + (b"\n" + b"," * 9999) * 1000,
    "rows.jsonl.gz": lambda: _gzipped(b'{"a":1}\n'),
    "line.jsonl.gz": lambda: _gzipped(b'{"a":"'),
    "keys.jsonl": _keys,
    "words.vec.gz": lambda: _gzipped(b"a 1 2 3\n"),
    "line.vec.gz": lambda: _gzipped(b"1 2 3 "),
    "lists.json": lambda: b'{"a":[' + b"[]," * 5_000_000 + b"[]]}",
    "text.txt": lambda: b"x" * 30_000_000,
    "side.png": _png,
    "silence.flac": _flac,
    "tables.skops": _skops,
}


def read(path: Path) -> None:
    """Read a bomb as what its ending says."""
    from fourfold.preparation.tables.transformer_file import load_transformer
    from fourfold.readers import read_classes, read_domain
    from fourfold.readers.vectors import WordVectors

    if path.suffix == ".skops":
        load_transformer(path)
    elif ".vec" in path.name:
        WordVectors.open(path)
    elif path.suffix == ".json":
        read_classes(path)
    else:
        alone = path.suffix in {".png", ".flac", ".txt"}
        read_domain(path.parent if alone else path).rows.take(np.array([0]))


def warm_up() -> None:
    """Read small files, so that what the libraries themselves take does not count."""
    from benchmarks.faults.mutate import FORMATS

    for form in FORMATS.values():
        with TemporaryDirectory() as folder:
            path = Path(folder, f"x{form.ending}")
            path.write_bytes(form.samples()[0])
            form.read(path)


def main(folder: Path) -> None:
    from benchmarks.faults.children import begin_peak, memory
    from fourfold.core.memory import max_memory
    from fourfold.errors import FourfoldError

    warm_up()
    found = {}
    for path in sorted(folder.iterdir()):
        (bomb,) = path.iterdir()
        before = begin_peak()
        try:
            with max_memory(LIMIT):
                read(bomb)
            said = "nothing"
        except FourfoldError as error:
            said = f"{type(error).__name__}: {error}"
        found[bomb.name] = [said, memory("VmHWM") - before]
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
