"""Files that hold something else than their ending says: named, with the way out."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from fourfold.errors import DataError
from fourfold.readers import read_domain, read_domains

CSV = b"a,b\n" + b"".join(b"%d,%d\n" % (n % 7, n % 5) for n in range(30))
OBJECTS = b'{"a": 1}\n{"a": 2}\n'


def into(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def workbook(**sheets):
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return into(book.save)


def zipped(name):
    def write(file):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, CSV)

    return into(write)


TABLE = pa.table({"a": [1, 2], "b": [3, 4]})
CONTENTS = {
    "text": (CSV, "text: name it rows.csv"),
    "gzip": (gzip.compress(CSV), "gzip: name it rows."),
    "bzip2": (bz2.compress(CSV), "bzip2: unpack it"),
    "xz": (lzma.compress(CSV), "xz: unpack it"),
    "zip": (zipped("rows.csv"), "a zip file: unpack it"),
    "word": (zipped("word/document.xml"), "a document of Word: save"),
    "xlsx": (workbook(one=[["a", "b"], [1, 2]]), "a file of Excel: name it rows.xlsx"),
    "xls": (b"\xd0\xcf\x11\xe0" + bytes(99), "an old file of Excel: save it as .xlsx"),
    "parquet": (into(lambda file: pq.write_table(TABLE, file)), "Parquet: name it rows.parquet"),
    "npz": (into(lambda file: np.savez(file, X=np.eye(3))), "arrays of NumPy: name it rows.npz"),
    "npy": (into(lambda file: np.save(file, np.eye(3))), "an array of NumPy: name it rows.npy"),
    "page": (b"\n<!DOCTYPE html>\n<html><body>log in, please</body></html>", "a web page (HTML)"),
    "pdf": (b"%PDF-1.7\n" + bytes(range(256)), "PDF: save the table as CSV"),
    "array": (b'[{"a": 1},\n {"a": 2}]', "a list in JSON: write one object a line"),
    "objects": (OBJECTS, "JSON, an object a line: name it rows.jsonl"),
}
FITTING = {
    "csv": {"text"},
    "tsv": {"text"},
    "jsonl": {"text", "objects", "array"},
    "xlsx": {"xlsx", "zip"},
    "parquet": {"parquet"},
    "npz": {"npz", "zip"},
    "npy": {"npy"},
    "csv.gz": {"gzip"},
    "json": set(),
    "txt": set(),
    "xls": set(),
    "dat": set(),
}


@pytest.mark.parametrize("ending", list(FITTING))
@pytest.mark.parametrize("name", list(CONTENTS))
def test_content_under_another_ending_is_named_with_a_way_out(tmp_path, name, ending):
    content, says = CONTENTS[name]
    if name in FITTING[ending]:
        return
    file = tmp_path / f"rows.{ending}"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_domain(file)
    said = str(caught.value)
    assert (
        "take .gz off" if ending == "csv.gz" and says.startswith(("text", "JSON")) else says
    ) in said
    assert len(said) < 300


def test_content_inside_of_gzip_is_looked_at_too(tmp_path):
    for name in ("page", "parquet", "gzip", "objects"):
        content, says = CONTENTS[name]
        (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(content))
        with pytest.raises(DataError, match="inside of gzip is") as caught:
            read_domain(tmp_path / "rows.csv.gz")
        assert says.partition(":")[0] in str(caught.value)


def test_a_cover_sheet_is_named_with_the_others(tmp_path):
    rows = [["a", "b"], *([n % 7, n % 5] for n in range(30))]
    for cover in ([], [["About these data"]], [["One"], ["two", "three"]]):
        (tmp_path / "book.xlsx").write_bytes(workbook(Readme=cover, Data=rows))
        with pytest.raises(DataError, match="first sheet, 'Readme', is read; others are 'Data'"):
            read_domain(tmp_path / "book.xlsx")


def test_sheets_that_are_not_read_are_noted(tmp_path):
    rows = [["a", "b"], *([n % 7, n % 5] for n in range(30))]
    (tmp_path / "book.xlsx").write_bytes(workbook(Data=rows, Codes=[["x"]]))
    (tmp_path / "one.xlsx").write_bytes(workbook(Data=rows))
    book, one = read_domains([tmp_path / "book.xlsx", tmp_path / "one.xlsx"])
    (note,) = book.schema.notes
    assert note.sentence == "book.xlsx: the first sheet is read, and not 'Codes'"
    assert one.n_rows == 30
