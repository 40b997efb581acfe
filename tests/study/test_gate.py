"""The gate: intervals with closed forms, their coverage, and Holm's procedure."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fourfold.study.gate import Bootstrap, Interval, corrected_t, delta_m, holm, is_clear
from fourfold.study.metrics.base import mean_rater


def fixed(low, high, p):
    return lambda _level: Interval((low + high) / 2, low, high, p)


def resampled(rows, weight=None, *, groups=None, rounds=2000, seed=0):
    """Estimate the interval of a mean of differences (seeds, rows)."""
    n_rows = rows.shape[1]
    draw = Bootstrap(n_rows, weight=weight, groups=groups, rounds=rounds, seed=seed)
    return draw.interval(draw.rate({"x": [mean_rater(one) for one in rows]})["x"])


def test_corrected_t_is_nadeau_and_bengios_interval():
    differences = np.array([0.02, 0.05, -0.01, 0.04, 0.03, 0.06])
    interval = corrected_t(differences, 1 / 3)(0.05)
    error = np.sqrt(differences.var(ddof=1) * (1 / 6 + 0.5))
    half = stats.t(5).ppf(0.975) * error
    assert interval.mean == pytest.approx(differences.mean())
    assert (interval.low, interval.high) == pytest.approx(
        (differences.mean() - half, differences.mean() + half)
    )
    assert interval.p == pytest.approx(2 * stats.t(5).sf(differences.mean() / error))


def test_corrected_t_is_wider_than_the_naive_interval():
    differences = np.random.default_rng(0).normal(0.02, 0.05, 15)
    interval = corrected_t(differences, 1 / 3)(0.05)
    naive = stats.ttest_1samp(differences, 0).confidence_interval()
    assert interval.low < naive.low < naive.high < interval.high


def test_equal_scores_are_undecided_and_a_constant_gain_helped():
    none, gain = corrected_t(np.zeros(6), 1 / 3), corrected_t(np.full(6, 0.1), 1 / 3)
    judged = holm({"none": none, "gain": gain})
    assert judged["none"][1] == "undecided"
    assert judged["gain"][1] == "helped"


def test_a_single_difference_is_undecided():
    assert holm({"one": corrected_t(np.array([0.3]), 0.5)})["one"][1] == "undecided"


def test_the_bootstrap_covers_the_true_difference():
    """95 % intervals hold the truth in about 95 % of the experiments."""
    random = np.random.default_rng(1)
    truth, hits = 0.05, 0
    for i in range(200):
        better = random.random((1, 400)) < 0.8 + truth
        worse = random.random((1, 400)) < 0.8
        rows = better.astype(float) - worse
        interval = resampled(rows, rounds=400, seed=i)(0.05)
        hits += interval.low <= truth <= interval.high
    assert 0.9 <= hits / 200 <= 0.99


def test_rows_are_averaged_by_their_weights():
    rows = np.random.default_rng(0).normal(size=(2, 400)) + np.array([0.0, 1.0]).repeat(200)
    weight = np.array([1.0, 9.0]).repeat(200)
    weighted, alike = (resampled(rows, w)(0.05) for w in (weight, None))
    assert weighted.mean == pytest.approx(np.average(rows.mean(0), weights=weight))
    assert weighted.low < weighted.mean < weighted.high
    assert (alike.high < 0.7, weighted.low > 0.7) == (True, True)


def test_the_bootstrap_holds_the_variance_of_seeds():
    """What differs by seed widens the interval, however many rows there are."""
    steady = np.full((5, 2000), 0.05)
    shaky = steady + np.array([-0.2, -0.1, 0.0, 0.1, 0.2])[:, None]
    narrow, wide = (resampled(x)(0.05) for x in (steady, shaky))
    assert narrow.high - narrow.low == pytest.approx(0, abs=1e-9)
    assert wide.low < 0 < wide.high


def test_draws_of_rows_are_scipys():
    rows = np.random.default_rng(2).normal(0.1, 1, (1, 300))
    found = resampled(rows)(0.05)
    peer = stats.bootstrap(rows, np.mean, method="percentile", n_resamples=2000, rng=0)
    assert found.mean == pytest.approx(rows.mean())
    assert (found.low, found.high) == pytest.approx(peer.confidence_interval, abs=0.02)


def test_draws_do_not_depend_on_the_other_models():
    rows = np.random.default_rng(0).normal(size=(2, 40_000))
    draw = Bootstrap(40_000, rounds=60)
    raters = {name: [mean_rater(one)] for name, one in zip("ab", rows, strict=True)}
    both, alone = draw.rate(raters), draw.rate({"b": raters["b"]})
    assert both["b"].shape == (1, 61)
    assert np.array_equal(both["b"], alone["b"])


def test_holm_stops_at_the_first_that_is_undecided():
    judged = holm(
        {"a": fixed(0.1, 0.2, 0.001), "b": fixed(-0.1, 0.3, 0.2), "c": fixed(0.01, 0.2, 0.3)}
    )
    assert [judged[name][1] for name in "abc"] == ["helped", "undecided", "undecided"]


def test_holm_gives_the_smallest_p_the_strictest_level():
    levels = {}

    def watched(name, p):
        def at(level):
            levels.setdefault(name, []).append(level)
            return Interval(0.1, 0.05, 0.15, p)

        return at

    holm({"late": watched("late", 0.04), "first": watched("first", 0.001)})
    assert levels["first"][-1] == pytest.approx(0.025)
    assert levels["late"][-1] == pytest.approx(0.05)


@pytest.mark.parametrize(("shift", "clear"), [(0.0, False), (0.1, False), (0.3, True)])
def test_only_a_difference_far_from_zero_is_clear(shift, clear):
    rows = np.random.default_rng(0).normal(shift, 1, (3, 500))
    assert is_clear(resampled(rows - rows.mean() + shift)) == clear
    assert is_clear(resampled(rows.mean() - rows - shift)) == clear


def test_hurt_is_below_zero():
    assert holm({"x": fixed(-0.3, -0.1, 0.001)})["x"][1] == "hurt"


def test_delta_of_equal_scores_is_zero_and_of_none_unknown():
    same = np.array([[0.5, 0.7], [0.2, 0.1]])
    lower = np.array([False, True])
    assert delta_m(same, same, lower).tolist() == [0.0, 0.0]
    assert (delta_m(same * 1.1, same, np.array([False, False])) < 0).all()
    assert (delta_m(same * 1.1, same, np.array([True, True])) > 0).all()
    assert np.isnan(delta_m(same, same * 0, lower)).all()


# --- groups --------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [3, 12])
def test_the_bootstrap_of_groups_covers_the_true_difference(groups):
    """Rows of a group are alike: 95 % intervals of rows hold the truth far too seldom."""
    random = np.random.default_rng(groups)
    codes, hits = np.repeat(np.arange(groups), 20), {"groups": 0, "rows": 0}
    for i in range(100):
        rows = (random.normal(0.1, 1, groups)[codes] + random.normal(0, 0.3, len(codes)))[None]
        for name, given in (("groups", codes), ("rows", None)):
            interval = resampled(rows, groups=given, rounds=400, seed=i)(0.05)
            hits[name] += interval.low <= 0.1 <= interval.high
    assert 0.9 <= hits["groups"] / 100 <= 1
    assert hits["rows"] / 100 < 0.6


def test_groups_of_one_row_are_rows_and_one_group_tells_nothing():
    rows = np.random.default_rng(0).normal(0.05, 1, (2, 500))
    one, other = (resampled(rows, groups=g)(0.05) for g in (None, np.arange(500)[::-1]))
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.01)
    same = resampled(rows + 9, groups=np.zeros(500, int))
    assert holm({"same": same})["same"][1] == "undecided"
