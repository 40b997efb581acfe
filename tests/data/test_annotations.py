"""Annotations of rows: moments of any library in one unit, and values that cannot be."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from fourfold import Domain
from fourfold.data.annotations import Annotations
from fourfold.errors import DataError

DAYS = ["2020-01-01", "2020-01-02", "2020-01-03"]
SECONDS = [1577836800, 1577923200, 1578009600]


def read(**given):
    beside = dict.fromkeys(["groups", "time", "sample_weight", "ids"])
    return Annotations.read(3, **(beside | given))


@pytest.mark.parametrize(
    "time",
    [
        DAYS,
        [f"{day}T01:00+01:00" for day in DAYS],
        [dt.date.fromisoformat(day) for day in DAYS],
        pd.to_datetime(DAYS),
        pd.Series(pd.to_datetime(DAYS)).astype("datetime64[ns]"),
        np.array(DAYS, "datetime64[D]"),
        np.array(DAYS, "datetime64[ms]"),
        pd.Series(SECONDS, dtype="Int64"),
    ],
    ids=str,
)
def test_moments_of_any_library_are_seconds(time):
    assert read(time=time).time.tolist() == SECONDS


@pytest.mark.parametrize(
    "time",
    [["2020-01-01", None, "2020-01-03"], [1.0, np.nan, 2.0], pd.to_datetime([DAYS[0], None, None]),
     pd.Series([1, None, None], dtype="Int64")],
    ids=str,
)  # fmt: skip
def test_a_missing_moment_is_refused(time):
    with pytest.raises(DataError, match=r"time must be known for each row; .* first in row 2$"):
        read(time=time)


def test_days_that_may_begin_with_the_month_are_refused():
    with pytest.raises(
        DataError, match=r"time must be dates, 2026-01-31, or numbers; got: .*03/04"
    ):
        read(time=["03/04/2020"] * 3)


@pytest.mark.parametrize(
    ("weights", "got"),
    [([1, np.nan, 2], "nan in row 2"), ([1, 2, -3], "-3 in row 3"), ([0, 0, 0], "zeros")],
)
def test_weights_that_cannot_be_are_named_by_row(weights, got):
    with pytest.raises(DataError, match=f"at least 0, not all 0; got {got}"):
        read(sample_weight=weights)


def test_weights_of_a_domain_are_checked_when_they_are_changed():
    domain = Domain(np.zeros((3, 2)), [0, 1, 1])
    assert domain.with_weight([1, 2, 3]).annotations.weight.tolist() == [1, 2, 3]
    with pytest.raises(DataError, match="at least 0, not all 0; got -1 in row 2"):
        domain.with_weight([1, -1, 1])
    with pytest.raises(DataError, match="one value for each of 3 rows"):
        domain.with_weight([1, 1])
