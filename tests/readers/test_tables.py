"""Tables from files, and the columns of several lined up."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fourfold.errors import DataError, FileError
from fourfold.readers import read_domain, read_domains
from fourfold.readers.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """age,town,joined,member,cost,label
34,Ulm,2020-01-31,true,1.5,good
,Bonn,,false,2,
41,,2021-12-24,,NA,bad
"""


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def frame_of(domain) -> pd.DataFrame:
    return domain.rows.frame


def test_numbers_categories_dates_booleans_and_missing_cells(tmp_path):
    domain = read_domain(write(tmp_path / "people.csv", TEXT), label="label")
    frame = frame_of(domain)
    assert list(frame.columns) == ["age", "cost", "joined", "member", "town"]
    assert frame["age"].dtype.kind == "f"
    assert frame["joined"].dtype.kind == "M"
    assert frame.isna().sum().tolist() == [1, 1, 1, 1, 1]
    assert frame["member"].tolist()[:2] == ["true", "false"]
    assert domain.labelled.tolist() == [True, False, True]
    assert domain.known.tolist() == ["good", "bad"]
    assert domain.name == "people"


@pytest.mark.parametrize("day", ["2020-03-04", "2020/03/04", "04.03.2020", "2020-03-04T00:00:00Z"])
def test_dates_in_the_forms_that_are_one_day_everywhere(tmp_path, day):
    frame = frame_of(read_domain(write(tmp_path / "a.csv", f"d,n\n{day},1\n")))
    assert frame["d"].tolist() == [pd.Timestamp(2020, 3, 4)]


def test_every_delimiter_and_form_of_file_reads_the_same(tmp_path):
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y, z"], "c": [0.5, None], "y": [0, 1]})
    table.to_csv(tmp_path / "comma.csv", index=False)
    table.to_csv(tmp_path / "semicolon.csv", index=False, sep=";")
    table.to_csv(tmp_path / "tab.tsv", index=False, sep="\t")
    table.to_parquet(tmp_path / "table.parquet")
    table.set_index(pd.Index([5, 7])).to_parquet(tmp_path / "indexed.parquet")
    marked = b"\xef\xbb\xbf" + (tmp_path / "comma.csv").read_bytes()
    write(tmp_path / "marked.csv", marked)
    write(tmp_path / "zipped.csv.gz", gzip.compress(marked))
    names = ["comma.csv", "semicolon.csv", "tab.tsv", "table.parquet", "indexed.parquet",
             "marked.csv", "zipped.csv.gz"]  # fmt: skip
    domains = [read_domain(tmp_path / name, label="y") for name in names]
    for domain in domains[1:]:
        pd.testing.assert_frame_equal(frame_of(domain), frame_of(domains[0]))
        assert domain.digest == domains[0].digest


@pytest.mark.parametrize("ends", [";", ";;;", "; ;"])
def test_last_columns_that_are_empty_and_unnamed_are_not_there(tmp_path, ends):
    empty = ends.replace(" ", "")
    (tmp_path / "a.csv").write_text(f"a;b{empty}\n1;x{ends}\n2;y{empty}\n", "utf-8")
    assert [*read_table(tmp_path / "a.csv").columns] == ["a", "b"]
    (tmp_path / "b.csv").write_text(f"a;b{empty}\n1;x{empty}\n2;y{empty}z\n", "utf-8")
    if len(empty) == 1:
        assert [*read_table(tmp_path / "b.csv").columns] == ["a", "b", ""]
        with pytest.raises(DataError, match=r"a.csv lacks \(unnamed\)"):
            read_domains([tmp_path / "b.csv", tmp_path / "a.csv"])
    else:
        with pytest.raises(DataError, match=r"got twice: \(unnamed\)"):
            read_table(tmp_path / "b.csv")


def test_tables_of_one_name_are_named_by_their_folders(tmp_path):
    for folder, sign in (("old", ","), ("new", ".")):
        (tmp_path / folder).mkdir()
        rows = [f"{i}{sign}5;{'uvv'[i % 3]}" for i in range(30)]
        (tmp_path / folder / "data.csv").write_text("\n".join(["a;b", *rows]), "utf-8")
    old, new = read_domains([tmp_path / "old" / "data.csv", tmp_path / "new" / "data.csv"])
    assert "decimal comma in old/data.csv" in old.schema.notes[0].said
    assert old.rows.frame["a"].tolist() == new.rows.frame["a"].tolist()


def test_a_file_without_the_label_column_is_unlabelled(tmp_path):
    domain = read_domain(write(tmp_path / "a.csv", "a,b\n1,2\n"), label="y")
    assert domain.y is None


def test_text_with_quotes_and_new_lines_is_one_cell(tmp_path):
    frame = frame_of(read_domain(write(tmp_path / "a.csv", 'n,t\n1,"so\nhe said ""no"""\n2,x\n')))
    assert frame["t"].tolist() == ['so\nhe said "no"', "x"]


def test_parquets_decimals_times_and_zones_become_plain(tmp_path):
    import datetime as dt
    from decimal import Decimal

    noon = dt.datetime(2020, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    table = pa.table(
        {
            "d": pa.array([Decimal("1.5")]),
            "t": pa.array([dt.time(1, 0, 1)]),
            "z": pa.array([noon], pa.timestamp("us", "Europe/Berlin")),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    row = frame_of(read_domain(tmp_path / "a.parquet")).iloc[0]
    assert (row["d"], row["t"], row["z"]) == (1.5, 3601.0, pd.Timestamp(2020, 1, 1, 10))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b\n1,2\n3\n", "line 3 must have 2 cells.*got 1"),
        ("a,b\n1,2\n\n1,2,3\n", "line 4 must have 2 cells.*got 3"),
        ('a,b\n1,"x\ny"\n3,4,5\n', "line 4 must have 2 cells.*got 3"),
        (b"a,b\n1,caf\xe9\n", "must be UTF-8.*save it as"),
        (b"caf\xe9,b\n1,2\n", "must be UTF-8.*save it as"),
        ("a,b\n1,2\n".encode("utf-16"), "must be UTF-8.*save it as"),
        ("", "a header and at least one row"),
        ("a,b\n", "at least one row"),
        ("a,a\n1,2\n", "got twice: a"),
        ("y\n1\n", "columns besides the label"),
    ],
)
def test_a_table_that_cannot_be_read_is_named_with_its_fault(tmp_path, content, says):
    path = write(tmp_path / "bad.csv", content)
    with pytest.raises(DataError, match=says) as caught:
        read_domain(path, label="y")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["bad.parquet", "bad.csv.gz", "bad.npz", "bad.npy", "bad.txt"])
def test_files_that_are_not_what_their_ending_says_are_refused(tmp_path, name):
    path = write(tmp_path / name, b"nothing of that kind")
    with pytest.raises(DataError, match=name):
        read_domain(path)


@pytest.mark.parametrize("name", ["bad.csv.gz", "bad.jsonl.gz"])
@pytest.mark.parametrize("at", [1, 12, 200, -8])
def test_a_damaged_gzip_is_one_sentence(tmp_path, name, at):
    """Wherever the damage lies: in the head, in the first block, in the check sum."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({"a": random.normal(size=3000), "b": random.integers(9, size=3000)})
    lines = table.to_json(orient="records", lines=True) if "json" in name else table.to_csv()
    content = np.frombuffer(gzip.compress(lines.encode(), mtime=0), np.uint8).copy()
    content[at:][:60] ^= 0xA5
    path = write(tmp_path / name, content.tobytes())
    with pytest.raises(DataError, match="must be gzip, undamaged; got: ") as caught:
        read_domain(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"a":' * 100_000, "line 1 must hold cells; got lists or objects too deep"),
        ('{"a": 1}\n{"a": ' + "9" * 5000 + "}\n[2]\n", r"line 3 must be an object.*got \[2\]"),
    ],
)
def test_what_json_cannot_take_is_one_sentence(tmp_path, content, says):
    with pytest.raises(DataError, match=says):
        read_domain(write(tmp_path / "a.jsonl", content))


def test_a_cell_may_be_very_long(tmp_path):
    long = "so it goes, " * 20_000
    path = write(tmp_path / "a.csv", f'n,t\n1,"{long}"\n2,x\n')
    assert frame_of(read_domain(path))["t"].tolist() == [long, "x"]
    path = write(tmp_path / "b.csv", f'n,t\n1,"{long}"\n2\n')
    with pytest.raises(DataError, match=r"line 2 must be a row of cells; got: field larger"):
        read_domain(path)


def test_nested_columns_are_refused(tmp_path):
    pq.write_table(pa.table({"v": [[1, 2], [3]]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="column 'v' holds list"):
        read_domain(tmp_path / "a.parquet")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileError, match=r"gone\.csv must be a file or a folder"):
        read_domain(tmp_path / "gone.csv")


@pytest.mark.parametrize(
    ("header", "shown"),
    [("5.1,3.5,setosa", "'5.1', '3.5'"), ("-1,b,c", "'-1'"), ("0,1,2019", ""), ("a,b,c", "")],
)
def test_a_header_that_may_be_a_row_is_noted(tmp_path, header, shown):
    pile = read_table(write(tmp_path / "t.csv", f"{header}\n4.9,3.0,x\n4.7,3.2,y\n"))
    expected = f"t.csv: its first row is read as names of columns, {shown}: is it a header?"
    assert [note.sentence for note in pile.notes] == [expected] * bool(shown)
