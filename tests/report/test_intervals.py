"""Spread of scores, and error bars on a scale."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from fourfold.report.intervals import Scale, Spread
from fourfold.study.gate import Interval

numbers = st.floats(-1e6, 1e6)
intervals = st.tuples(numbers, numbers, numbers).map(sorted).map(
    lambda t: Interval(low=t[0], mean=t[1], high=t[2], p=0.5)
)  # fmt: skip


@given(st.lists(intervals, min_size=1, max_size=6))
def test_intervals_are_drawn_in_order_on_the_line_and_on_their_side_of_zero(found):
    scale = Scale.of(found)
    for interval in found:
        bar = scale.bar(interval)
        assert 0 <= bar.low <= bar.mean <= bar.high <= 100
        assert (bar.low >= scale.zero) or interval.low < 0
        assert (bar.high <= scale.zero) or interval.high > 0
    assert 0 < scale.zero < 100


def test_an_interval_without_end_is_drawn_to_the_edge_and_an_unknown_one_not_at_all():
    found = [Interval(0.1, -math.inf, math.inf, 1.0), Interval(0.1, math.nan, 0.2, 1.0)]
    scale = Scale.of(found)
    assert scale.bar(found[0]).low == 0
    assert scale.bar(found[0]).high == 100
    assert scale.bar(found[1]) is None


def test_spread_is_mean_and_standard_deviation():
    assert Spread.of([1.0, 3.0]) == Spread(2.0, math.sqrt(2))
    assert Spread.of([1.0]) == Spread(1.0, None)
    assert Spread.of([]) is None
