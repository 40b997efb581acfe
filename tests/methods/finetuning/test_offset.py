"""The score of the source's trees stands beside a line on the target."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fourfold import Domain
from fourfold.methods.finetuning.offset import Offset
from fourfold.methods.finetuning.recalibrated import Recalibrated
from methods.finetuning.patients import gains

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, size=(900, 3)).astype(np.float32)
STEP = np.where(X[:, 0] * X[:, 1] > 0, 2.0, -2.0) + 0.1 * RNG.normal(size=900)  # no line sees it


def test_trees_keep_what_no_line_sees_and_the_line_adds_what_is_new():
    source = Domain(X[:800], STEP[:800])
    new = STEP + 3 * X[:, 2]
    model = Offset().fit(X[800:830], new[800:830], source=source)
    trees = Recalibrated(base="boosting").fit(X[800:830], new[800:830], source=source)
    assert model.score(X[830:], new[830:]) > 0.85
    assert model.score(X[830:], new[830:]) > trees.score(X[830:], new[830:]) + 0.1


def test_a_strong_penalty_moves_the_level_alone():
    source = Domain(X[:800], STEP[:800])
    model = Offset(alpha=1e9).fit(X[800:830], STEP[800:830] + 5, source=source)
    ends = [model.predict(X[830:])[np.sign(STEP[830:]) == value].mean() for value in (-1, 1)]
    np.testing.assert_allclose(ends, [3, 7], atol=0.6)


def test_both_views_of_a_table_take_part():
    """Trees see a category by its name, the line by a feature of its own."""
    words = np.array(["a", "b", "c", "d"])[RNG.integers(0, 4, 900)]
    table = pd.DataFrame({"number": X[:, 0], "word": words})
    y = np.where(words == "b", 2.0, 0.0) * np.sign(X[:, 0]) + 0.1 * X[:, 1]
    source = Domain(table[:800], y[:800])
    moved = y + np.where(words == "d", 3.0, 0.0)
    model = Offset().fit(table[800:850], moved[800:850], source=source)
    assert model.score(table[850:], moved[850:]) > 0.9


def test_it_beats_a_line_on_the_target_alone():
    assert np.median(gains(Offset())) > 0.1
