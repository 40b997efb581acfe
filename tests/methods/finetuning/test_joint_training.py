"""JointTraining: one network of source and target rows, both in each step."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, FineTune, JointTraining, Recipe
from fourfold.errors import DataError

RNG = np.random.default_rng(0)


def blobs(n, shift):
    y = np.arange(n) % 3
    return RNG.normal(0, 1, (n, 5)) + 2 * np.eye(5)[y] + shift, y


def test_it_keeps_the_source_and_learns_the_target():
    source, target = Domain(*blobs(300, 0)), blobs(12, 1.5)
    test, wanted = blobs(600, 1.5)
    recipe = Recipe(steps=150)
    joint = JointTraining(recipe=recipe).fit(*target, source=source)
    tuned = FineTune(recipe=recipe, head="new").fit(*target, source=source)
    assert joint.score(test, wanted) > 0.7
    assert joint.score(source.rows, source.y) > tuned.score(source.rows, source.y)


def test_more_weight_on_the_target_follows_its_labels():
    x, y = blobs(200, 0)
    few = x[:30], (y[:30] + 1) % 3  # other labels than the source's
    scores = [
        JointTraining(target_weight=w, recipe=Recipe(steps=200, learning_rate=1e-2))
        .fit(*few, source=Domain(x[30:], y[30:]))
        .score(*few)
        for w in (0.02, 0.98)
    ]
    assert scores[0] < 0.5 < scores[1]


def test_classes_that_the_source_lacks_are_refused():
    x, y = blobs(30, 0)
    with pytest.raises(DataError, match="classes"):
        JointTraining().fit(x, y, source=Domain(x[y < 2], y[y < 2]))
