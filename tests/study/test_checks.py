"""Rows that a study refuses before any training."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.data.domain import Domain
from fourfold.errors import DataError
from fourfold.preparation.choose import Standardize, WordCounts
from fourfold.study import checks
from fourfold.study.checks import fit_preparation

GOOD = Domain(np.random.default_rng(0).normal(size=(50, 3)), name="good")


def test_rows_that_are_all_equal_once_prepared_are_refused():
    same = Domain(np.ones((40, 3)), name="same")
    with pytest.raises(DataError, match=r"same: rows must differ once .* got 40 equal ones"):
        fit_preparation(Standardize(), [GOOD, same])
    words = [Domain(["a word", "some words"]), Domain(["some words"] * 3, name="x")]
    with pytest.raises(DataError, match="x: rows must differ"):
        fit_preparation(WordCounts(), words)


def test_one_row_and_rows_to_judge_on_may_be_equal():
    fit_preparation(Standardize(), [GOOD, Domain(np.ones((1, 3)))], Domain(np.ones((4, 3))))


def test_a_single_other_row_is_found_behind_the_sample(monkeypatch):
    monkeypatch.setattr(checks, "FEW", 1)
    X = np.ones((300, 3))
    X[217] = 2
    fit_preparation(Standardize(), [GOOD, Domain(X)])
