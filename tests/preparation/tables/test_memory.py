"""Prepared tables and fitted preparations that a process keeps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.rows import as_rows
from fourfold.preparation.tables.memory import fitted_once, out_of_fold_once, prepared_once
from fourfold.preparation.tables.preparation import TablePreparation
from fourfold.preparation.tables.target_encoding import LabelledRows
from fourfold.preparation.tables.views import TableViews

RNG = np.random.default_rng(0)
N = 300
SHOPS = TablePreparation(max_categories=5)


def table():
    shops = [f"s{i}" for i in RNG.integers(0, 40, N)]
    return as_rows(pd.DataFrame({"shop": shops, "price": RNG.normal(size=N)}))


ROWS = table()
Y = RNG.integers(0, 2, N)


def test_the_same_rows_and_labels_are_fitted_once():
    first = fitted_once(SHOPS, [ROWS], LabelledRows(ROWS, Y))
    again = fitted_once(TablePreparation(max_categories=5), [ROWS], LabelledRows(ROWS, Y.copy()))
    assert first is again
    assert first.means_ is not None


@pytest.mark.parametrize(
    ("chosen", "rows", "y"),
    [
        (TablePreparation(max_categories=6), ROWS, Y),
        (TableViews(max_categories=5), ROWS, Y),
        (SHOPS, table(), Y),
        (SHOPS, ROWS, 1 - Y),
    ],
)
def test_whatever_else_differs_is_fitted_anew(chosen, rows, y):
    known = fitted_once(SHOPS, [ROWS], LabelledRows(ROWS, Y))
    assert fitted_once(chosen, [rows], LabelledRows(rows, y)) is not known


def test_rows_that_were_learnt_from_are_prepared_once_by_the_labels_of_others():
    labels = LabelledRows(ROWS, Y)
    prepare = fitted_once(SHOPS, [ROWS], labels)
    found = out_of_fold_once(prepare, labels, "")
    assert out_of_fold_once(prepare, LabelledRows(ROWS, Y.copy()), "") is found
    np.testing.assert_array_equal(found.sample(N), prepare.out_of_fold(labels).sample(N))
    assert (found.sample(N) != prepared_once(prepare, ROWS, "").sample(N)).any()
