"""The line from predictions to labels has as many parameters as the labels can tell."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.algorithms.units import Line, fit_line

X = np.array([-1.0, 0.2, 0.5, 1.4, 2.0, 3.1])


def test_right_predictions_stay():
    assert fit_line(X, X, 1.0) == Line()
    assert fit_line(X[:0], X[:0], 1.0) == Line()


@pytest.mark.parametrize("n", [2, 3, 6])
def test_a_shift_is_found(n):
    noise = 0.01 * np.cos(7 * X)
    line = fit_line(X[:n], X[:n] + noise[:n] + 20, 1.0)
    assert line.slope == pytest.approx(1, abs=0.1)
    assert line.shift == pytest.approx(20, abs=0.1)


def test_a_line_takes_four_labels():
    y = 1.8 * X + 32
    assert fit_line(X, y, 1.0) == pytest.approx(Line(1.8, 32.0))
    assert fit_line(X[:3], y[:3], 1.0).slope == 1.0


def test_a_single_label_shifts_where_it_is_far_off():
    assert fit_line(X[:1], X[:1] + 2.9, 1.0) == Line()
    assert fit_line(X[:1], X[:1] + 3.1, 1.0) == pytest.approx(Line(1.0, 3.1))


def test_noise_does_not_move_predictions_that_are_right_on_average():
    rng = np.random.default_rng(1)
    x = rng.normal(size=40)
    line = fit_line(x, x + rng.normal(size=40) * 0.3, 1.0)
    assert abs(line.slope - 1) < 0.1
    assert abs(line.shift) < 0.1


def test_constant_predictions_are_shifted():
    assert fit_line(np.ones(5), X[:5], 1.0).slope == 1.0
