"""Identifiers with many rows each are named; other columns that repeat are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold import Domain
from fourfold.study.diagnostics.identifiers import repeated_identifiers

Y = np.arange(24) % 2
TWELVE = np.repeat(np.arange(12), 2)


def found(name, values):
    return repeated_identifiers(Domain(pd.DataFrame({name: values}), Y))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("patient", [f"p{i}" for i in TWELVE]),
        ("PatientID", TWELVE + 1000),
        ("customer no", TWELVE.astype(float)),
        ("user_name", [f"name {'abcdefghijkl'[i]}" for i in TWELVE]),
        ("where", [f"ST-{i:03d}" for i in TWELVE]),
    ],
)
def test_an_identifier_that_repeats_is_named(name, values):
    (said,) = found(name, values)
    assert said.startswith(f"24 labelled rows are of 12 values of {name!r}: give groups if")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("patient", [f"p{i}" for i in range(24)]),  # one row each
        ("patient", ["p1"] * 24),
        ("patient age", TWELVE + 40),
        ("account_type", ["a", "b"] * 12),
        ("id", TWELVE + 0.5),
        ("city", [f"town {'abcdefghijkl'[i]}" for i in TWELVE]),
        ("grade", ["A1", "B2"] * 12),
        ("year", [str(2000 + i) for i in TWELVE]),
        ("user", Y.astype(bool)),
        ("day of id", pd.Timestamp("2024-01-01") + pd.to_timedelta(TWELVE, "D")),
    ],
)
def test_other_columns_are_not(name, values):
    assert found(name, values) == []


def test_names_of_rows_are_identifiers_and_groups_settle_it():
    rows = np.arange(24.0)[:, None]
    assert "12 values of the names of rows" in repeated_identifiers(Domain(rows, Y, ids=TWELVE))[0]
    assert repeated_identifiers(Domain(rows, Y, ids=TWELVE, groups=TWELVE)) == []
    assert repeated_identifiers(Domain(rows, Y, ids=np.arange(24))) == []
    assert repeated_identifiers(Domain(rows, Y)) == []
