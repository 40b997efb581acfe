"""Outliers end at fences of the quartiles, repeated ones are marks, and other columns stay."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.rows import FrameRows
from fourfold.preparation.choose import TablePreparation, TableViews
from fourfold.preparation.tables.limits import Limits

RNG = np.random.default_rng(0)
AGE = RNG.normal(40, 10, 400)


def limits(*parts):
    return Limits.fit([np.asarray(part, float)[:, None] for part in parts])


@pytest.mark.parametrize(
    "column",
    [AGE, RNG.lognormal(8, 0.7, 400), AGE > 60, np.arange(400) % 9, np.full(400, np.nan), AGE[:1]],
)
def test_numbers_without_outliers_stay(column):
    found = limits(column)
    assert not len(found.limited)
    np.testing.assert_array_equal(found.apply(np.array([[1e9], [np.nan]])), [[1e9], [np.nan]])


def test_an_outlier_moves_to_ten_quartile_ranges():
    cells = np.append(AGE, 1e6)
    low, high = np.percentile(cells, (25, 75))
    found = limits(cells)
    assert found.apply(np.array([[1e6]])) == pytest.approx(high + 10 * (high - low))
    assert np.isnan(found.mark).all()


def test_many_outliers_are_a_group_that_stays():
    far = RNG.normal(1e6, 1e4, 20)
    assert not len(limits([*AGE, *far]).limited)
    found = limits([*AGE, *far, *[-999] * 20])
    assert found.apply(np.array([[1e6]])) == 1e6
    assert np.isnan(found.apply(np.array([[-999.0]])))
    assert found.describe(0) == "-999 counts as missing"


def test_a_repeated_outlier_counts_as_missing():
    found = limits([*AGE, *[-999] * 20, 1e6])
    cells = found.apply(np.array([[-999.0], [30.0], [-998.0]]))[:, 0]
    assert np.isnan(cells[0])
    assert cells[1] == 30
    assert cells[2] == found.low


def test_a_column_of_mostly_zeros_has_the_quartiles_of_the_others():
    gains = np.where(RNG.random(400) < 0.9, 0, RNG.normal(50, 10, 400))
    found = limits([*gains, 9999])
    assert 100 < found.high < 700
    assert found.low < 0


def test_units_of_a_domain_are_no_outliers():
    found = limits(AGE, 100 * AGE[:30])
    assert not len(found.limited)


def test_lines_get_limits_and_trees_cells_as_they_are():
    table = pd.DataFrame({"age": [*AGE, *[-999.0] * 20], "x": RNG.normal(size=420)})
    rows = FrameRows(table)
    views = TableViews().fit(rows)
    both = views.transform(rows).take(np.arange(420))
    assert both[-1, 0] == -999
    lines = both[:, views.start :]
    assert lines[-1, 0] == pytest.approx(0, abs=0.1)  # the median
    assert (lines[-1, 2], lines[0, 2]) == (lines[:, 2].max(), lines[:, 2].min())  # an indicator
    (note,) = TablePreparation().fit(rows).notes()
    assert note.startswith("For lines and networks columns with outliers have limits: 'age' (")
    assert note.endswith("; -999 counts as missing).")


def test_many_columns_with_outliers_are_one_note():
    table = pd.DataFrame({f"x{i}": [*AGE, 1e6] for i in range(7)})
    (note,) = TablePreparation().fit(FrameRows(table)).notes()
    assert note.endswith(" and 2 more.")
