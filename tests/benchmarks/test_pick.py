"""Gains of picked rows are averaged over cases, each of which counts once."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.pick import BENCHMARK, SHOTS, Settings, _texts


def side(**cases):
    found = {}
    for name, (gain, further) in cases.items():
        found |= {f"gain {name}": gain, f"further {name}": further}
        found |= {f"gain {name} {shots}": gain / shots for shots in SHOTS}
    return found


def test_intervals_are_over_cases():
    medians = {"one": side(a=(0.1, 0.02)), "two": side(b=(0.2, 0.04), c=(0.3, 0.03))}
    found = BENCHMARK.figures(medians)
    assert found["pick_gain"] == pytest.approx(0.2)
    assert found["pick_gain_low"] == pytest.approx(0.2 - 4.302653 * 0.1 / 3**0.5)
    assert found["pick_gain_5"] == pytest.approx(0.04)
    assert found["pick_gain_further"] == pytest.approx(0.03)
    assert found["pick_gain_b"] == 0.2
    assert set(BENCHMARK.targets) <= set(found)


def test_rows_to_test_on_are_not_picked_from(monkeypatch):
    texts = [f"text {i}" for i in range(50)]
    ratings = [1.0, -1.0] * 25
    names = ("amazon", "movies", "tweets", "nyt")
    monkeypatch.setattr(
        "benchmarks.data.sentiment",
        lambda: {name: ([f"{name} {text}" for text in texts], np.array(ratings)) for name in names},
    )
    for case in _texts(Settings(pool_rows=20, test_rows=10)):
        pool, test = (set(part.rows.take(range(part.n_rows))) for part in (case.pool, case.test))
        assert (len(pool), len(test)) == (20, 10)
        assert not pool & test
        assert case.classes == 2
