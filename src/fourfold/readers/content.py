"""Content of files under a wrong ending: recognized by its first bytes, with the way out."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple
from zipfile import BadZipFile, ZipFile

from fourfold.errors import DataError, one_line
from fourfold.readers.files import is_gzipped, open_bytes

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_content", "held"]

HEAD: Final = 4096
"""Bytes that are looked at."""


class Content(NamedTuple):
    """A kind of content: its name, a remedy, and the endings of files that hold it."""

    name: str
    remedy: str
    endings: tuple[str, ...] = ()


UNPACK: Final = "unpack it, and give a file or a folder of it"
TEXT: Final = Content(
    "text", "name it {stem}.csv if it is a table", (".csv", ".tsv", ".jsonl", ".txt", ".json")
)
LINES: Final = Content("JSON, an object a line", "name it {stem}.jsonl", (".jsonl", ".json"))
ARRAY: Final = Content(
    "a list in JSON", "write one object a line, and name it {stem}.jsonl", (".json", ".jsonl")
)
PAGE: Final = Content("a web page (HTML)", "get the table itself, as CSV; is it a page to log in?")
GZIP: Final = Content("gzip", "name it {name}.gz", (".gz",))
ZIP: Final = Content("a zip file", UNPACK, (".npz", ".xlsx"))
STARTS: Final = {
    b"\x1f\x8b": GZIP,
    b"PAR1": Content("Parquet", "name it {stem}.parquet", (".parquet",)),
    b"\x93NUMPY": Content("an array of NumPy", "name it {stem}.npy", (".npy",)),
    b"\xd0\xcf\x11\xe0": Content("an old file of Excel", "save it as .xlsx in Excel"),
    b"BZh": Content("bzip2", UNPACK),
    b"\xfd7zXZ": Content("xz", UNPACK),
    b"\x28\xb5\x2f\xfd": Content("zstd", UNPACK),
    b"7z\xbc\xaf": Content("7-Zip", UNPACK),
    b"Rar!": Content("RAR", UNPACK),
    b"%PDF": Content("PDF", "save the table as CSV"),
    b"{\\rtf": Content("RTF", "save the table as CSV"),
    b"SQLite format 3": Content("a database (SQLite)", "export the table as CSV"),
    b"ARROW1": Content("Arrow, or Feather", "save it as Parquet"),
    b"\x89HDF": Content("HDF5", "save it as Parquet, or as .npz"),
}
"""First bytes → content."""
MEMBERS: Final = {
    "xl/workbook.xml": Content("a file of Excel", "name it {stem}.xlsx", (".xlsx",)),
    "xl/workbook.bin": Content("a binary file of Excel", "save it as .xlsx in Excel"),
    "word/document.xml": Content("a document of Word", "save the table as CSV"),
    "content.xml": Content("an OpenDocument file", "save it as .xlsx or .csv"),
    "X.npy": Content("arrays of NumPy", "name it {stem}.npz", (".npz",)),
}
"""Member of a zip file → content."""
PAGES: Final = (b"<!doctype", b"<html", b"<head", b"<body")


def check_content(path: Path) -> None:
    """Refuse a file that holds another kind of content than its ending says.

    Damaged files are left to their readers.

    Raises
    ------
    DataError
        If it does.
    """
    name = path.name.lower()
    found, where = _content(path, packed=False), "it holds"
    if found is GZIP and is_gzipped(path):
        name = name.removesuffix(".gz")
        found, where = _content(path, packed=True), "inside of gzip is"
    if found is not None and not any(map(name.endswith, found.endings)):
        said = held(path, found)
        raise DataError(f"the file must hold what its ending says; {where} {said}")


def held(path: Path, content: Content | None = None) -> str:
    """Name the content of a file and the way out; empty where it is unknown."""
    content = _content(path, packed=False) if content is None else content
    if content is None:
        return ""
    if is_gzipped(path) and content in {TEXT, LINES}:
        return f"{content.name}: take .gz off its name"
    name = one_line(path.name, 60)
    stem = name.removesuffix(".gz").rsplit(".", 1)[0]
    return f"{content.name}: {content.remedy.format(stem=stem, name=name)}"


def _content(path: Path, *, packed: bool) -> Content | None:
    """Recognize the content of a file, or that inside of its gzip; None for anything unknown."""
    head = b""
    with suppress(Exception), open_bytes(path) if packed else path.open("rb") as file:
        head = file.read(HEAD)  # if it cannot be read, its reader will say why
    for start, content in STARTS.items():
        if head.startswith(start):
            return content
    if head.startswith(b"PK\x03\x04") and not packed:
        return _zipped(path)
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin.lower().startswith(PAGES):
        return PAGE
    return _written(begin) if _is_text(head) else None


def _zipped(path: Path) -> Content | None:
    try:
        with ZipFile(path) as archive:
            names = set(archive.namelist())
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    return next((content for name, content in MEMBERS.items() if name in names), ZIP)


def _is_text(head: bytes) -> bool:
    """Return whether bytes, the last of which may be cut off, are text in UTF-8."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4 or len(head) < HEAD:
            return False
    return bool(head.strip()) and b"\0" not in head


def _written(text: bytes) -> Content:
    if text.startswith(b"[") and text[1:].lstrip().startswith(b"{"):
        return ARRAY
    first, end, _ = text.partition(b"\n")
    with suppress(ValueError, RecursionError):
        if end and isinstance(json.loads(first), dict):
            return LINES
    return TEXT
