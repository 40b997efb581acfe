"""Rows that a study refuses before any training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.core.tasks import infer_task
from fourfold.data.domain import Domain
from fourfold.data.rows import FrameRows
from fourfold.errors import DataError
from fourfold.preparation.choose import Standardize, TablePreparation, WordCounts
from fourfold.study import checks
from fourfold.study.checks import check_classes, fit_preparation

GOOD = Domain(np.random.default_rng(0).normal(size=(50, 3)), name="good")


def test_rows_that_are_all_equal_once_prepared_are_refused():
    same = Domain(np.ones((40, 3)), name="same")
    with pytest.raises(DataError, match=r"same: rows must differ once .* got 40 equal ones"):
        fit_preparation(Standardize(), [GOOD, same])
    words = [Domain(["a word", "some words"]), Domain(["some words"] * 3, name="x")]
    with pytest.raises(DataError, match="x: rows must differ"):
        fit_preparation(WordCounts(), words)


@pytest.mark.parametrize("role", ["source", "target", "evaluate"])
def test_numbers_without_variance_are_refused(role):
    y = np.linspace(0, 1, 20)
    X = GOOD.rows.subset(np.arange(20))
    domains = {name: Domain(X, y, name=name) for name in ("source", "target", "evaluate")}
    domains[role] = Domain(X, np.full(20, 3.5), name=role)
    task = infer_task(domains["source"])
    with pytest.raises(DataError, match=rf"{role}' must differ; got 3\.5 in all 20 rows"):
        check_classes(task, [domains["source"]], domains["target"], domains["evaluate"])


def test_tables_without_a_common_column_are_named():
    one, other = (FrameRows(pd.DataFrame({n: [0.5, 1.5, 2.5]})) for n in "ab")
    with pytest.raises(DataError, match="must have the same columns"):
        fit_preparation(TablePreparation(), [Domain(one, name="x"), Domain(other, name="y")])


def test_one_row_and_rows_to_judge_on_may_be_equal():
    fit_preparation(Standardize(), [GOOD, Domain(np.ones((1, 3)))], Domain(np.ones((4, 3))))


def test_a_single_other_row_is_found_behind_the_sample(monkeypatch):
    monkeypatch.setattr(checks, "FEW", 1)
    X = np.ones((300, 3))
    X[217] = 2
    fit_preparation(Standardize(), [GOOD, Domain(X)])
