"""Columns of tables are those of their schema, or inferred from the tables of all domains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.rows import FrameRows
from fourfold.data.schema import Column
from fourfold.errors import DataError, FourfoldWarning
from fourfold.preparation.tables.columns import arranged, date_parts, sort_columns
from preparation_samples import table


def kinds(*frames, columns=None):
    return sort_columns([FrameRows(frame, columns) for frame in frames], frames)


def test_columns_are_what_they_hold_in_all_domains_together():
    first, other = table(), table(seed=1)
    first["empty"] = None
    other["empty"] = ["Ulm", "Bonn"] * (len(other) // 2)
    first["flag"], other["flag"] = True, 0.5
    other["town"] = other["town"].astype("category")
    columns = kinds(first, other)
    assert columns.numbers == ["age", "flag"]
    assert columns.categories == ["empty", "member", "town"]
    assert columns.dates == ["joined"]
    assert columns.text == ["note"]


def test_columns_that_are_left_out_are_a_warning():
    with pytest.warns(FourfoldWarning, match=r"column nothing: every cell .*keep=\('nothing',\)"):
        assert kinds(table().assign(nothing=np.nan)).numbers == ["age"]


def test_columns_of_a_schema_are_taken_as_they_are():
    frame = pd.DataFrame({"code": ["1", "2"], "n": ["3", "4"]})
    given = {"code": Column("category"), "n": Column("ignored")}
    assert kinds(frame, columns=given).columns == {"code": Column("category")}


def test_cells_that_do_not_fit_are_missing_with_a_warning():
    frame = pd.DataFrame({"n": [0.5, 1.5] * 20})
    columns = kinds(frame)
    with pytest.warns(
        FourfoldWarning, match=r"column n: 1 of 2 cells are no numbers.*'x' \(row 2\)"
    ):
        read = arranged(pd.DataFrame({"n": ["2.5", "x"]}), columns, "L2SP")
    assert read["number 0"].tolist()[0] == 2.5
    with pytest.warns(FourfoldWarning, match="1 of 1 cells are infinite"):
        arranged(pd.DataFrame({"n": [np.inf]}), columns, "L2SP")


def test_dates_of_any_year_have_parts():
    days = ["9999-12-31", "0001-01-01", "2024-02-03T12:00", None]
    year, month, weekday, since = date_parts(pd.Series(np.array(days, "datetime64[us]")))
    np.testing.assert_array_equal(year, [9999, 1, 2024, np.nan])
    np.testing.assert_array_equal(since, [2_932_896, -719_162, 19_756.5, np.nan])
    assert (month[0], weekday[2]) == (12, 5)


def test_columns_that_were_read_as_other_kinds_are_refused():
    frame = pd.DataFrame({"code": ["1", "2"]})
    rows = [FrameRows(frame, {"code": Column(kind)}) for kind in ("number", "category")]
    with pytest.raises(DataError, match=r"'code' must be of one kind .* got category and number:"):
        sort_columns(rows, [frame, frame])
