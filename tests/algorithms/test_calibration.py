"""Calibrated outputs say how often they are right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax

from fourfold.algorithms.calibration import Calibration, calibrate


def drawn(slope, intercept, n=4000, seed=0):
    """Log-odds, and classes drawn as if true log-odds were slope · given + intercept."""
    random = np.random.default_rng(seed)
    odds = 3 * random.standard_normal(n)
    codes = (random.random(n) < expit(slope * odds + intercept)).astype(np.int64)
    return np.stack([np.zeros(n), odds], axis=1).astype(np.float32), codes


def test_two_classes_get_the_slope_and_intercept_that_labels_were_drawn_by():
    outputs, codes = drawn(0.4, -0.7)
    found = calibrate(outputs, codes, np.ones(len(codes)))
    assert found.slope == pytest.approx(0.4, abs=0.04)
    assert found.intercept == pytest.approx(-0.7, abs=0.1)


def test_several_classes_get_the_temperature():
    random = np.random.default_rng(0)
    logits = 2 * random.standard_normal((4000, 5))
    p = softmax(logits / 2.5, axis=1)
    codes = (random.random((4000, 1)) < p.cumsum(axis=1)).argmax(axis=1)
    found = calibrate(logits.astype(np.float32), codes, np.ones(4000))
    assert 1 / found.slope == pytest.approx(2.5, rel=0.1)
    assert found.intercept == 0


def test_few_rows_change_little_and_repeats_are_no_more_rows():
    outputs, codes = drawn(0.1, 1.0, n=6)
    few = calibrate(outputs, codes, np.ones(6))
    assert abs(few.intercept) < 0.7
    often = calibrate(np.tile(outputs, (5, 1)), np.tile(codes, 5), np.ones(30), repeats=5)
    assert often == pytest.approx(few, abs=1e-4)


def test_a_weight_is_as_many_rows():
    outputs, codes = drawn(0.5, 0.3, n=40)
    weight = np.where(np.arange(40) < 20, 1.0, 3.0)
    twice = np.repeat(np.arange(40), weight.astype(int))
    found = calibrate(outputs, codes, weight)
    same = calibrate(outputs[twice], codes[twice], np.ones(80), repeats=2)
    assert found == pytest.approx(same, abs=1e-3)


def test_rows_thought_impossible_do_not_break_it():
    outputs = np.array([[0, -np.inf], [0, 3], [0, -2], [-np.inf, 0]], np.float32)
    found = calibrate(outputs, np.array([1, 1, 0, 1]), np.ones(4))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("calibration", [Calibration(0.5, 0.25), Calibration(2.0)])
def test_the_module_computes_the_same(calibration):
    outputs = np.random.default_rng(0).standard_normal((7, 2)).astype(np.float32)
    same = calibration.module()(torch.from_numpy(outputs)).numpy()
    np.testing.assert_allclose(calibration.apply(outputs.copy()), same, rtol=1e-6)


def test_few_labels_of_a_class_turn_log_odds_about_the_usual_ones():
    odds = np.repeat([-2.0, -2.0, 1.0], [8, 8, 4])
    codes = np.tile([0, 0, 0, 1], 5)  # a quarter, whatever the odds
    outputs = np.stack([np.zeros(20), odds], axis=1).astype(np.float32)
    found = calibrate(outputs, codes, np.ones(20))
    usual = np.log(5.5 / 15.5)
    assert found.slope < 1
    assert found.slope * usual + found.intercept == pytest.approx(usual, abs=0.3)


def test_the_fewer_labels_the_more_is_a_model_thought_too_sure():
    slopes = []
    for n in (16, 160, 1600):
        outputs = np.stack([np.zeros(n), np.tile([-1.0, 1.0], n // 2)], axis=1).astype(np.float32)
        right = np.arange(n) % 8 < 6  # expit(1.1) of them
        codes = np.where(right, np.arange(n) % 2, 1 - np.arange(n) % 2)
        slopes.append(calibrate(outputs, codes, np.ones(n)).slope)
    assert slopes == sorted(slopes)
    assert slopes[0] < 0.95
    assert slopes[-1] == pytest.approx(1.1, abs=0.02)


def test_the_order_of_two_classes_does_not_matter():
    outputs, codes = drawn(0.6, -1.0, n=50)
    found = calibrate(outputs, codes, np.ones(50))
    mirrored = calibrate(outputs[:, ::-1].copy(), 1 - codes, np.ones(50))
    assert mirrored == pytest.approx((found.slope, -found.intercept), abs=1e-4)
