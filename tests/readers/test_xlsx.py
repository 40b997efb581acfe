"""Tables in Excel's files."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

import bombs
from fourfold.errors import DataError
from fourfold.readers import read_domain, read_domains
from fourfold.readers.xlsx import read_xlsx

DAY, MOMENT = dt.datetime(2020, 1, 31), dt.datetime(2021, 2, 1, 12, 30)  # noqa: DTZ001


def write(path, *rows, more=None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if more:
        more(book)
    book.save(path)
    return path


def changed(path, **parts):
    """Replace bytes in parts of a file, by the name's beginning."""
    with zipfile.ZipFile(path) as old:
        inside = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in inside.items():
            for part, (was, becomes) in parts.items():
                if part in name:
                    assert was in content
                    content = content.replace(was, becomes)  # noqa: PLW2901
            new.writestr(name, content)
    return path


def columns(path):
    table, _ = read_xlsx(path)
    return {name: (table[name].type, table[name].to_pylist()) for name in table.column_names}


def test_cells_keep_their_kinds(tmp_path):
    path = write(
        tmp_path / "a.xlsx",
        ["whole", "real", "day", "time", "yes", "text", "code", "mixed", "none", 2019],
        [1, 1.5, DAY, dt.time(1, 0, 30), True, "a", "007", 3, None, 1],
        [None, 2, MOMENT, None, False, None, "010", "x", None, 2],
        [3, None, None, dt.time(2), None, "Größe", "3.10", DAY, None, 3],
        [4, 1, DAY, dt.time(2), True, "", "4", 2.5, None, 3],
    )
    assert columns(path) == {
        "whole": (pa.int64(), [1, None, 3, 4]),
        "real": (pa.float64(), [1.5, 2, None, 1]),
        "day": (pa.timestamp("us"), [DAY, MOMENT, None, DAY]),
        "time": (pa.float64(), [3630, None, 7200, 7200]),
        "yes": (pa.bool_(), [True, False, None, True]),
        "text": (pa.string(), ["a", None, "Größe", None]),
        "code": (pa.string(), ["007", "010", "3.10", "4"]),
        "mixed": (pa.string(), ["3", "x", "2020-01-31", "2.5"]),
        "none": (pa.float64(), [None] * 4),
        "2019": (pa.int64(), [1, 2, 3, 3]),
    }


def test_a_frame_of_pandas_is_read_as_from_csv(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "y": ["no", "yes"]})
    for ending, save in (("xlsx", frame.to_excel), ("csv", frame.to_csv)):
        save(tmp_path / f"a.{ending}", index=False)
    sheet, text = read_domains([tmp_path / "a.xlsx", tmp_path / "a.csv"], label="y")
    pd.testing.assert_frame_equal(sheet.rows.frame, text.rows.frame)
    assert sheet.known.tolist() == text.known.tolist()
    frame.to_excel(tmp_path / "index.xlsx")
    assert read_xlsx(tmp_path / "index.xlsx")[0].column_names == ["", "a", "b", "y"]


def test_formulas_are_values_and_errors_missing(tmp_path):
    path = write(tmp_path / "a.xlsx", ["a", "b"], [1, "=A2*2"], [2, "#N/A"], [3, "#DIV/0!"])
    blank = next(mark for mark in (b"<v></v>", b"<v />", b"<v/>") if mark in sheet(path))
    changed(path, sheet1=(blank, b"<v>7</v>"))
    assert columns(path)["b"][1] == [7, None, None]


def sheet(path):
    with zipfile.ZipFile(path) as file:
        return file.read("xl/worksheets/sheet1.xml")


def test_blank_rows_and_a_frame_around_the_table_are_left_out(tmp_path):
    path = write(tmp_path / "a.xlsx", [], ["a", "b", None], [], [1, 2], [None, None], [3, None], [])
    assert columns(path) == {"a": (pa.int64(), [1, 3]), "b": (pa.int64(), [2, None])}


def test_the_first_sheet_counts_and_shared_texts_are_found(tmp_path):
    path = write(tmp_path / "a.xlsx", ["a"], [1], more=lambda book: book.create_sheet("other"))
    assert columns(path) == {"a": (pa.int64(), [1])}
    shared = bombs._sheet(bombs.STRINGS, b"</sst>", b"<si><t>name</t></si>", 1)
    (tmp_path / "b.xlsx").write_bytes(shared)
    changed(tmp_path / "b.xlsx", sheet1=(b'r="A1" t="n"><v>1<', b'r="A1" t="s"><v>0<'))
    assert read_xlsx(tmp_path / "b.xlsx")[0].column_names == ["name", "2"]


FAULTS = {
    "empty": (([],), "must hold a header and at least one row; it is empty"),
    "header": ((["a", "b"],), "at least one row"),
    "merged": ((["a", None, "c"], [1, 2, 3]), "got none in column B: .* split merged cells"),
    "title": ((["Report"], ["a", "b"], [1, 2]), "row 2 must have at most 1 cell,.* got 2"),
    "twice": ((["a", "a"], [1, 2]), "got twice: a"),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path, name):
    rows, says = FAULTS[name]
    path = write(tmp_path / "bad.xlsx", *rows)
    with pytest.raises(DataError, match=says) as caught:
        read_domain(path)
    assert len(str(caught.value)) < 300
    assert str(path) in str(caught.value)


def test_merged_header_cells(tmp_path):
    path = write(
        tmp_path / "a.xlsx", ["a", "b", "c"], [1, 2, 3],
        more=lambda book: book.active.merge_cells("A1:B1"),
    )  # fmt: skip
    with pytest.raises(DataError, match="split merged cells"):
        read_domain(path)


def test_files_that_are_no_workbook(tmp_path):
    for content in (b"a,b\n1,2\n", b"", b"PK\3\4"):
        (tmp_path / "a.xlsx").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.xlsx(: .*name it a.csv| must be whole and read)"):
            read_domain(tmp_path / "a.xlsx")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "no sheet")
    (tmp_path / "a.xlsx").write_bytes(file.getvalue())
    with pytest.raises(DataError, match=r"a\.xlsx must be whole and readable"):
        read_domain(tmp_path / "a.xlsx")


def test_no_entities_and_no_endless_rows(tmp_path):
    path = write(tmp_path / "a.xlsx", ["a"], [1])
    laughs = b'<!DOCTYPE a [<!ENTITY b "ha">]><worksheet'
    changed(path, sheet1=(b"<worksheet", laughs))
    with pytest.raises(DataError, match="must declare no types of documents"):
        read_domain(path)
    path = write(tmp_path / "b.xlsx", ["a"], [1])
    changed(path, sheet1=(b'<row r="2"', b'<row r="99999999999999"'))
    with pytest.raises(DataError, match="at least one row"):
        read_domain(path)
