"""A schema is a file that can be edited, and reads other tables as those it comes from."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from fourfold.data.schema import Hints, Schema, as_pile, read_piles
from fourfold.errors import DataError, FileError
from fourfold.readers.schemas import read_schema, write_schema

FRAME = pd.DataFrame(
    {
        "code": ["007", "010", "1"] * 10,
        "rate": ["1,5%", "2,25%", "?"] * 10,
        "when": ["25/01/2021", "02/01/2021", ""] * 10,
        "who": ["ann", "bob", "eve"] * 10,
        "at": ["2020-01-01", "2020-01-02", "2020-01-03"] * 10,
        "w": ["1", "2", "0.5"] * 10,
        "grade": ["low", "high", ""] * 10,
    }
)
HINTS = Hints(label=("grade",), group="who", time="at", weight="w")


def test_it_survives_its_file(tmp_path):
    schema, (part,) = read_piles([as_pile(FRAME, "t")], HINTS)
    write_schema(schema, tmp_path / "schema.json")
    again = read_schema(tmp_path / "schema.json")
    assert again == schema
    assert "notes" in json.loads((tmp_path / "schema.json").read_text())
    pd.testing.assert_frame_equal(again.read(as_pile(FRAME, "t")).frame, part.frame)


def test_roles_are_read_beside_the_inputs():
    schema, (part,) = read_piles([as_pile(FRAME, "t")], HINTS)
    assert schema.inputs == ["code", "rate", "when"]
    assert set(part.beside) == {"groups", "time", "sample_weight"}
    assert part.beside["sample_weight"].tolist()[:3] == [1.0, 2.0, 0.5]


def test_one_row_alone_is_read_as_among_others():
    schema, (whole,) = read_piles([as_pile(FRAME, "t")], HINTS)
    for at in (0, 1, 2):
        alone = schema.read(as_pile(FRAME.iloc[[at]], "one"))
        pd.testing.assert_frame_equal(alone.frame, whole.frame.iloc[[at]].reset_index(drop=True))


def test_what_it_does_not_describe_is_inferred():
    given = Schema.of_json({"columns": {"code": {"kind": "number"}}})
    schema, (part,) = read_piles([as_pile(FRAME, "t")], given.completing(HINTS))
    assert part.frame["code"].tolist()[:3] == [7, 10, 1]
    assert schema.columns["rate"].unit == "%"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([], "a schema must be"),
        ({"columns": {"a": {"kind": "colour"}}}, "must have a kind"),
        ({"columns": {"a": {"kind": "number", "colour": "red"}}}, "got 'colour'"),
        ({"columns": {"a": {"kind": "number", "unit": 3}}}, "described by texts"),
        ({"columns": {}, "colour": 1}, "a schema must be"),
        ({"columns": {}, "labels": {"columns": ["y"], "type": "colours"}}, "a type"),
    ],
)
def test_a_file_that_is_no_schema_is_refused(tmp_path, said, why):
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(said))
    with pytest.raises(DataError, match=why):
        read_schema(path)


def test_a_missing_or_damaged_file_is_refused(tmp_path):
    with pytest.raises(FileError, match="must be a file of a schema"):
        read_schema(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(DataError, match="must be JSON"):
        read_schema(tmp_path / "bad.json")


def test_a_table_that_lacks_a_column_is_refused():
    schema, _ = read_piles([as_pile(FRAME, "t")], HINTS)
    with pytest.raises(DataError, match="t lacks rate"):
        schema.read(as_pile(FRAME.drop(columns="rate"), "t"))
    with pytest.raises(DataError, match="besides the label; got only grade"):
        read_piles([as_pile(FRAME[["grade"]], "t")], HINTS)
