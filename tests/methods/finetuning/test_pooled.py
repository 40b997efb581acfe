"""Pooled rows with a flag: weighted regression, levels that differ, and a real gain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from fourfold import Domain
from fourfold.methods.finetuning.pooled import Pooled
from methods.finetuning.patients import gains
from samples import rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype(np.float32)
Y = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3 * RNG.normal(size=300)
SOURCE = Domain(X[:200], Y[:200])


def test_it_is_a_weighted_regression_on_both_with_a_flag():
    few, y = X[200:230], Y[200:230]
    model = Pooled(alpha=2.0, target_weight=5.0).fit(few, y, source=SOURCE)
    ready = np.vstack([model.embed(X[:200]), model.embed(few)])
    labels = (np.concatenate([Y[:200], y]) - model.task_.mean_) / model.task_.scale_
    flag = 10.0 * (np.arange(230) >= 200)
    weight = np.where(flag > 0, 5.0, 1.0)
    peer = Ridge(2.0).fit(np.column_stack([ready, flag]), labels, weight)
    wanted = peer.predict(np.column_stack([model.embed(X[230:]), np.full(70, 10.0)]))
    np.testing.assert_allclose(model.outputs(X[230:])[:, 0], wanted, atol=1e-4)


@pytest.mark.parametrize("base", ["linear", "boosting"])
def test_levels_may_differ(base):
    model = Pooled(base=base).fit(X[200:230], Y[200:230] + 7, source=SOURCE)
    assert model.score(X[230:], Y[230:] + 7) > 0.7


@pytest.mark.parametrize("base", ["linear", "boosting"])
def test_other_units_are_no_hindrance(base):
    model = Pooled(base=base).fit(X[200:240], 1000 * Y[200:240] + 5e4, source=SOURCE)
    assert model.score(X[240:], 1000 * Y[240:] + 5e4) > 0.7


def test_the_weight_is_small_where_the_source_is_like_the_target_and_large_where_it_is_not():
    alike = Pooled().fit(X[200:250], Y[200:250], source=SOURCE)
    other = Pooled().fit(X[200:250], -Y[200:250], source=SOURCE)
    said = [next(iter(model.findings_)).values for model in (alike, other)]  # noqa: PD011
    weights = [float(one["times a source row's"]) for one in said]
    assert weights[0] < weights[1] == 25


def test_trees_see_categories_and_missing_cells_as_such():
    """Forty codes decide the label, in no order; a missing cell tells, too."""
    rng = np.random.default_rng(1)
    code, holes = rng.integers(0, 40, 1200), rng.uniform(size=1200) < 0.3
    good = rng.permutation(40) < 20
    y = np.where(good[code] ^ holes, "yes", "no")
    table = pd.DataFrame({
        "code": np.array([f"c{i}" for i in range(40)])[code],
        "seen": np.where(holes, np.nan, rng.normal(size=1200)),
    })  # fmt: skip
    source = Domain(table[:800], y[:800])
    model = Pooled(base="boosting").fit(table[800:850], y[800:850], source=source)
    assert model.score(table[850:], y[850:]) > 0.95


@pytest.mark.parametrize("base", ["linear", "boosting"])
def test_it_beats_a_line_on_the_target_alone(base):
    assert min(gains(Pooled(base=base))) > 0.05


def test_several_classes():
    S, y = rows(200)
    model = Pooled(base="boosting").fit(S[:20] + 0.5, y[:20], source=Domain(S[20:], y[20:]))
    assert model.score(S + 0.5, y) > 0.8


def test_few_labels_leave_the_usual_weight():
    """Six labels of which one is an event tell nothing of weights."""
    rng = np.random.default_rng(3)
    few, y = rng.normal(size=(12, 4)), np.array([1, 0, 0, 0, 0, 0] * 2)
    model = Pooled(base="boosting").fit(few, y, source=Domain(X[:200], (Y[:200] > 0).astype(int)))
    assert next(iter(model.findings_)).values == {"times a source row's": "5"}  # noqa: PD011
