"""Accuracy estimated without labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from fourfold.study.choice.accuracy import AccuracyModel, Estimate, Sample, Signs

WEIGHTS = np.array([0.8, 1.0, 0.2])


def _samples(n, noise=0.0, seed=0):
    """Return samples of ten families whose accuracies follow from their signs."""
    random = np.random.default_rng(seed)
    for i in range(n):
        signs = Signs(*random.uniform(0.2, 0.9, 3))
        logit = signs.features @ WEIGHTS + random.normal(0, noise)
        yield Sample(f"family {i % 10}", f"task {i}", signs, float(expit(logit)))


def test_a_known_rule_is_learnt():
    samples = list(_samples(300))
    model = AccuracyModel.fit(samples)
    assert model.width < 0.1
    for sample in samples[:5]:
        assert model(sample.signs).accuracy == pytest.approx(sample.accuracy, abs=0.02)


def test_intervals_cover_new_families():
    model = AccuracyModel.fit(list(_samples(300, noise=0.5)))
    inside = []
    for one in _samples(400, noise=0.5, seed=1):
        found = model(one.signs)
        inside.append(found.low <= one.accuracy <= found.high)
    assert 0.9 <= np.mean(inside) <= 0.99


def test_a_model_is_saved(tmp_path, monkeypatch):
    model = AccuracyModel.fit(list(_samples(40)), {"tasks": 40})
    model.save(tmp_path / "accuracy.json")
    monkeypatch.setattr("fourfold.study.choice.accuracy.files", lambda _: tmp_path)
    AccuracyModel.packaged.cache_clear()
    try:
        assert AccuracyModel.packaged() == model
    finally:
        AccuracyModel.packaged.cache_clear()


def test_an_estimate_survives_json():
    found = Estimate(0.8, 0.6, 0.9, Signs(0.9, 0.1, 0.5))
    raw = {"accuracy": 0.8, "low": 0.6, "high": 0.9, "signs": [0.9, 0.1, 0.5]}
    assert Estimate.from_json(raw) == found
