"""Numbers, durations and names as text."""

from __future__ import annotations

import math

import pytest

from fourfold.report import words


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.8316, "0.832"), (-0.05, "−0.050"), (-0.0001, "0.000"), (math.nan, "unknown"),
     (-math.inf, "−∞"), (math.inf, "∞")],
)  # fmt: skip
def test_numbers(value, written):
    assert words.number(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.0316, "+0.032"), (-0.05, "−0.050"), (0.0001, "0.000"), (0.0, "0.000")]
)
def test_differences_carry_their_sign(value, written):
    assert words.signed(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.0, "0 s"), (0.034, "0.034 s"), (3.21, "3.2 s"), (45.4, "45 s"), (119.6, "2 min 0 s"),
     (192, "3 min 12 s"), (7325, "2 h 2 min")],
)  # fmt: skip
def test_durations(seconds, written):
    assert words.duration(seconds) == written


def test_settings_are_plain():
    assert words.plain("as it is") == "as it is"
    assert words.plain([0, 1]) == "[0, 1]"
    assert words.plain({"ü": None}) == '{"ü": null}'
    assert words.shorten("abcdef", 6) == "abcdef"
    assert words.shorten("abcdefg", 6) == "abcde…"
