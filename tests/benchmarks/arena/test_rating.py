"""Ratings of answers agree with closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.arena.rating import Answers, brier, constant_brier, gap_error, rate

Y = np.array(["a", "b", "a", "b"])
SURE = Answers.of_classes([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]], ["a", "b"])


def test_scores_are_those_of_their_definitions():
    assert rate("accuracy", Y, SURE) == 0.75
    assert rate("auc", Y, SURE) == 1.0
    assert rate("balanced_accuracy", Y[:3], SURE.at([0, 1, 2])) == 0.75
    assert rate("r2", np.array([0.0, 2.0]), Answers(np.array([1.0, 1.0]))) == 0.0
    assert rate("nmi", Y, Answers(np.array([1, 0, 1, 0]))) == pytest.approx(1.0)


def test_whole_numbers_as_labels_are_names():
    digits = Answers.of_classes([[0.9, 0.1], [0.2, 0.8]], np.array([3, 10]))
    assert rate("accuracy", np.array([3, 10]), digits) == 1.0


def test_brier_is_halved_for_two_classes_and_whole_for_classes_that_were_impossible():
    assert brier(Y, SURE) == pytest.approx(np.mean([0.01, 0.04, 0.36, 0.01]))
    three = Answers.of_classes([[1.0, 0.0, 0.0]], ["a", "b", "c"])
    assert brier(np.array(["b"]), three) == 2.0
    assert brier(np.array(["d"]), three) == 2.0
    assert brier(Y, Answers(np.zeros(4))) is None


def test_constant_shares_are_those_of_the_labels():
    assert constant_brier(Y, np.array(["a", "a", "a", "b"])) == pytest.approx((0.0625 + 0.5625) / 2)
    assert constant_brier(np.zeros(3), np.array([0.1, 0.2])) is None


def test_the_error_of_a_difference_is_paired():
    random = np.random.default_rng(0)
    y = random.integers(2, size=400).astype(str)
    right = (random.random((2, 400)) < 0.8)[:, :, None]
    ours, theirs = (
        Answers.of_classes(np.where((y[:, None] == ["0", "1"]) == one, 1.0, 0.0), ["0", "1"])
        for one in right
    )
    assert gap_error("accuracy", y, ours, ours) == 0
    assert gap_error("accuracy", y, ours, theirs) == pytest.approx((2 * 0.16 / 400) ** 0.5, rel=0.2)
