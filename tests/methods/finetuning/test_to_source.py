"""The pull to the source's coefficients has both ends, and a real gain between them."""

from __future__ import annotations

import numpy as np

from fourfold import Domain
from fourfold.methods.finetuning.to_source import ToSource
from methods.finetuning.patients import gains

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype(np.float32)
Y = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.1 * RNG.normal(size=300)
SOURCE = Domain(X[:200], -Y[:200])


def weights(model):
    """Return coefficients in the labels' units, for features that are standardized."""
    return model.model_.head.weight.detach().numpy()[0] * model.task_.scale_


def test_a_strong_pull_keeps_the_sources_coefficients_and_a_weak_one_leaves_them():
    strong, weak = (ToSource(alpha=a).fit(X[200:], Y[200:], source=SOURCE) for a in (1e9, 1e-6))
    np.testing.assert_allclose(weights(strong)[:3], [-1, 2, -0.5], atol=0.2)
    np.testing.assert_allclose(weights(weak)[:3], [1, -2, 0.5], atol=0.2)


def test_the_pull_is_a_ridge_regression_to_what_the_source_leaves():
    model = ToSource(alpha=3.0, source_alpha=1.0).fit(X[200:220], Y[200:220], source=SOURCE)
    start = ToSource(alpha=1e12, source_alpha=1.0).fit(X[200:220], Y[200:220], source=SOURCE)
    A = model.embed(X[200:220]).astype(float)
    y = (Y[200:220] - model.task_.mean_) / model.task_.scale_
    before = start.model_.head.weight.detach().numpy()[0]
    rest = y - A @ before
    centred = A - A.mean(axis=0)
    moved = np.linalg.solve(centred.T @ centred + 3 * np.eye(4), centred.T @ (rest - rest.mean()))
    got = model.model_.head.weight.detach().numpy()[0]
    np.testing.assert_allclose(got, before + moved, atol=1e-3)


def test_the_penalty_is_chosen_by_how_far_the_source_helps():
    near, far = (Domain(X[:200], sign * Y[:200]) for sign in (1, -1))
    found = [ToSource().fit(X[200:240], Y[200:240], source=one).findings_[0] for one in (near, far)]
    pulls = [float(facts.values["alpha"]) for facts in found]
    assert pulls[0] > 10 * pulls[1]


def test_it_beats_a_line_on_the_target_alone():
    assert np.median(gains(ToSource())) > 0.1
