"""Boosted trees on the target alone see what a line cannot, and know when there is nothing."""

from __future__ import annotations

import numpy as np

from fourfold import Linear
from fourfold.methods.baselines.target_boosted import TargetBoosted

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, size=(600, 3)).astype(np.float32)


def test_it_sees_steps_that_no_line_does():
    y = np.where(X[:, 0] * X[:, 1] > 0, "one", "two")
    boosted, line = (model.fit(X[:300], y[:300]) for model in (TargetBoosted(), Linear()))
    assert boosted.score(X[300:], y[300:]) > line.score(X[300:], y[300:]) + 0.2


def test_noise_is_hardly_learnt():
    y = RNG.normal(size=600)
    model = TargetBoosted().fit(X[:100], y[:100])
    assert model.score(X[100:], y[100:]) > -0.1
