"""Metrics of decisions beside their definitions, scikit-learn's and SciPy's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sk

from fourfold import metrics
from fourfold.errors import DataError

RNG = np.random.default_rng(0)
P = RNG.beta(1, 4, 2000).round(3)
EVENT = RNG.uniform(size=2000) < P


def test_ranks_and_losses_are_scikit_learns():
    assert metrics.auc_score(EVENT, P) == pytest.approx(sk.roc_auc_score(EVENT, P))
    assert metrics.gini_score(EVENT, P) == pytest.approx(2 * sk.roc_auc_score(EVENT, P) - 1)
    assert metrics.brier_score(EVENT, P) == pytest.approx(sk.brier_score_loss(EVENT, P))
    assert metrics.log_loss(EVENT, P) == pytest.approx(sk.log_loss(EVENT, P.clip(1e-12)))
    found = stats.ks_2samp(P[EVENT], P[~EVENT]).statistic
    assert metrics.ks_statistic(EVENT, P) == pytest.approx(found)


def test_honest_probabilities_are_calibrated_and_squeezed_ones_are_not():
    assert metrics.expected_calibration_error(EVENT, P) < 0.03
    assert metrics.expected_calibration_error(EVENT, P / 2) > 0.08
    curve = metrics.calibration_curve(EVENT, P)
    assert [part.rows for part in curve] == [200] * 10
    assert sum(part.low <= part.predicted <= part.high for part in curve) >= 8


def test_cut_offs_count_what_is_approved():
    for cut in metrics.cut_offs(EVENT, P):
        inside = cut.threshold >= P
        assert cut.approved == pytest.approx(inside.mean())
        assert cut.rate == pytest.approx(EVENT[inside].mean())
        assert cut.low <= cut.rate <= cut.high
        assert cut.caught == pytest.approx(EVENT[~inside].sum() / EVENT.sum())
    assert cut.approved == 1  # the last one


def test_tenths_may_be_those_of_another_domain():
    edges = np.quantile(P, np.arange(1, 10) / 10)
    own, moved = (metrics.deciles(EVENT, p, edges=edges) for p in (P, (P + 0.2).clip(0, 1)))
    assert sum(part.rows for part in own) == sum(part.rows for part in moved) == 2000
    assert own[0].rows > 150 > moved[0].rows
    assert own[-1].lift > 2 > own[0].lift
    empty = metrics.deciles(EVENT[:5], P[:5] * 0 + 1.0, edges=edges)
    assert (empty[0].rows, empty[0].rate, empty[0].lift) == (0, None, None)


def test_an_interval_of_a_share_is_wilsons():
    low, high = metrics.wilson_interval(8, 20)
    found = stats.binomtest(8, 20).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((found.low, found.high))
    assert metrics.wilson_interval(0, 0) == (0, 1)


def test_drift_of_numbers_and_categories():
    x = RNG.normal(size=3000)
    same, moved = metrics.drift_of(x[:1500], x[1500:]), metrics.drift_of(x, x + 0.7)
    assert same.psi < 0.05
    assert moved.psi > 0.25
    assert same.p_value > 0.01 > moved.p_value
    towns = np.array(["Ulm", "Bonn", "Rom"])
    one, other = towns[RNG.integers(0, 3, 900)], towns[RNG.integers(0, 2, 900)]
    gone = metrics.drift_of(one, other)
    assert gone.psi > 1
    assert gone.p_value < 1e-6
    table = [np.unique(part, return_counts=True)[1] for part in (one, other)]
    table[1] = np.array([table[1][0], 0, table[1][1]])
    assert gone.statistic == pytest.approx(stats.chi2_contingency(np.array(table))[0])


def test_missing_cells_drift_too():
    x = pd.Series(RNG.normal(size=1000))
    holes = x.mask(RNG.uniform(size=1000) < 0.4)
    found = metrics.drift_of(x, holes)
    assert found.psi > 0.25
    assert found.missing_before == 0
    assert found.missing_after == pytest.approx(0.4, abs=0.05)
    empty = metrics.drift_of(x, x * np.nan)
    assert empty.missing_after == 1
    assert np.isfinite(empty.psi)


def test_one_value_does_not_drift():
    found = metrics.drift_of([1, 1, 1], [1, 1])
    assert (found.psi, found.p_value) == (0, 1)


@pytest.mark.parametrize(
    ("event", "p", "word"),
    [
        ([0, 1], [0.1], "same rows"),
        ([], [], "same rows"),
        ([0, 1], [0.1, 1.2], "[0, 1]"),
        ([0, 2], [0.1, 0.2], "true or false"),
        ([1, 1], [0.1, 0.2], "some rows"),
    ],
)
def test_wrong_values_are_refused(event, p, word):
    with pytest.raises(DataError) as error:
        metrics.auc_score(event, p)
    assert word in str(error.value)
    with pytest.raises(DataError, match="two piles"):
        metrics.psi([], [1])
