"""Average Fisher Sensitivity is shared out among the columns."""

from __future__ import annotations

import numpy as np
from torch import nn

from fourfold.bundle import save
from fourfold.core.findings import Facts, HeatMap
from fourfold.methods.saved import load
from fourfold.training.recipe import Recipe
from methods.progressive.small_columns import domain, progressive, rows


def test_sensitivities_are_shares_of_each_stage(tmp_path):
    X, y = rows()
    model = progressive().fit(X, y, source=[domain(1), domain(2)])
    assert model.afs_.shape == (2, 3)
    np.testing.assert_allclose(model.afs_.sum(axis=1), 1)
    assert (model.afs_ >= 0).all()
    heat, facts = model.findings_
    assert isinstance(heat, HeatMap)
    assert isinstance(facts, Facts)
    assert (heat.rows, heat.columns) == (["fc1", "fc2"], ["column 1", "column 2", "the new one"])
    loaded = load(save(model, tmp_path / "model"))
    assert np.array_equal(loaded.afs_, model.afs_)
    assert loaded.findings_ == model.findings_
    assert loaded.column(-1).findings_ == model.findings_
    assert loaded.column(0).findings_ == []


def test_adapters_that_say_nothing_leave_all_sensitivity_to_the_new_column():
    X, y = rows()
    still = Recipe(steps=1, learning_rate=1e-12, weight_decay=0)
    model = progressive(recipe=still).fit(X, y, source=domain(1))
    np.testing.assert_allclose(model.afs_, [[0, 1], [0, 1]], atol=1e-6)


def test_a_network_that_says_nothing_has_no_sensitivities():
    X, y = rows()
    still = Recipe(steps=1, learning_rate=1e-12, weight_decay=0)
    dead = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    nn.init.constant_(dead[0].bias, -1e6)
    model = progressive(network=dead, recipe=still).fit(X, y, source=domain(1))
    assert np.isnan(model.afs_).all()
    assert "unknown: nothing matters" in model.findings_[1].values.values()
