"""Boosting goes on from the source's trees, as far as the target's labels tell."""

from __future__ import annotations

import numpy as np

from fourfold import Domain
from fourfold.methods.baselines.target_boosted import TargetBoosted
from fourfold.methods.finetuning.boosted import Boosted
from methods.finetuning.patients import gains

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, size=(900, 3)).astype(np.float32)
STEP = np.where(X[:, 0] * X[:, 1] > 0, 2.0, -2.0) + 0.1 * RNG.normal(size=900)
SOURCE = Domain(X[:500], STEP[:500])


def trees(model):
    return int(model.findings_[0].values["on the target"])


def test_it_adds_trees_where_there_is_something_new_and_none_where_not():
    noise = 0.5 * RNG.normal(size=900)
    same = Boosted().fit(X[500:700], (STEP + noise)[500:700], source=SOURCE)
    new = STEP + np.where(X[:, 2] > 0, 3.0, -3.0)
    moved = Boosted().fit(X[500:700], new[500:700], source=SOURCE)
    assert trees(same) < 20 < trees(moved)
    alone = TargetBoosted().fit(X[500:700], new[500:700])
    assert moved.score(X[700:], new[700:]) > max(0.9, alone.score(X[700:], new[700:]))


def test_it_beats_a_line_on_the_target_alone():
    assert min(gains(Boosted())) > 0.05


def test_leaves_are_refitted_to_the_target():
    """With a small decay the target's rows decide the leaves, with 1 the source's."""
    turned = Domain(X[500:800], -STEP[500:800])
    kept, refitted = (Boosted(decay=d).fit(turned, source=SOURCE) for d in (1.0, 0.0))
    assert refitted.score(X[800:], -STEP[800:]) > kept.score(X[800:], -STEP[800:]) + 0.1


def test_refitted_leaves_are_in_the_targets_units():
    celsius = Domain(X[:500], 20 + 3 * STEP[:500])
    model = Boosted(decay=0.5).fit(X[500:560], 21 + 3 * STEP[500:560], source=celsius)
    assert model.score(X[560:], 21 + 3 * STEP[560:]) > 0.8
