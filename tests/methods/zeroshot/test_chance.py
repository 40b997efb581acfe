"""Chance is right as often as there are classes."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Chance
from methods.zeroshot.worlds import parted


def test_chance_is_right_as_often_as_there_are_classes():
    source, target, y = parted(rows=400)
    rates = [Chance(random_state=s).fit(target, source=source).score(target.rows, y)
             for s in range(5)]  # fmt: skip
    assert np.mean(rates) == pytest.approx(0.25, abs=0.03)
