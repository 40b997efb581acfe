"""Points: few enough rows of both domains, in the plane, with their labels."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain
from fourfold.data.rows import as_rows
from fourfold.preparation.choose import AsIs
from fourfold.study.diagnostics.points import points_of, sample_rows


def test_rows_are_spread_over_a_domain():
    domain = Domain(np.arange(1000.0)[:, None], np.arange(1000) % 2)
    sampled = sample_rows(domain)
    assert sampled.n_rows == 300
    assert np.histogram(sampled.rows.sample(300)[:, 0], 5, (0, 1000))[0].min() > 40
    assert sample_rows(sampled) is sampled


@pytest.mark.parametrize("width", [1, 5])
def test_inputs_and_features_are_drawn_with_their_labels(width):
    X = np.random.default_rng(0).normal(size=(10, 3))
    source, target = Domain(X[:6], list("ababab")), Domain(X[6:])
    features = [X[:6, :1].repeat(width, 1), X[6:, :1].repeat(width, 1)]
    before, after = points_of(AsIs().fit(as_rows(X)), [source, target], features)
    assert before.source == after.source == [True] * 6 + [False] * 4
    assert before.label == [*"ababab", "", "", "", ""]
    assert len(before.x) == len(before.y) == 10
    assert np.ptp(after.y) == pytest.approx(0, abs=1e-4)  # features of one direction
