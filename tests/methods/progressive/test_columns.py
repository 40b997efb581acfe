"""Frozen columns are computed once, and their worth is a ratio of learning curves."""

from __future__ import annotations

import numpy as np
from torch import nn

from fourfold.data.domain import Domain
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.store import Store, using
from fourfold.training.recipe import Recipe
from methods.progressive.small_columns import domain, progressive, rows


class Counted(nn.Linear):
    """Counts how often it runs while it is frozen."""

    runs = 0

    def forward(self, x):
        Counted.runs += not self.weight.requires_grad
        return super().forward(x)


def _runs(epochs):
    X, y = rows()
    network = nn.Sequential(Counted(3, 4), nn.ReLU())
    Counted.runs = 0
    recipe = Recipe(epochs=epochs, min_steps=1)
    progressive(network=network, recipe=recipe).fit(X, y, source=domain(1))
    return Counted.runs


def test_old_columns_are_not_run_while_training():
    assert _runs(2) == _runs(30) > 0


def test_with_a_store_they_are_computed_once_for_all_fits(tmp_path, monkeypatch):
    X, y = rows()
    computed, said = [], []
    stream = Frozen.stream

    def counted(self, rows, index):
        computed.append(len(index))
        return stream(self, rows, index)

    monkeypatch.setattr(Frozen, "stream", counted)
    with using(Store(tmp_path)):
        for seed in (0, 0):
            model = progressive(random_state=seed).fit(X, y, source=domain(1))
            said.append(model.outputs(X))
    assert computed == [40]
    assert np.array_equal(*said)
    assert np.array_equal(said[0], progressive().fit(X, y, source=domain(1)).outputs(X))


def test_the_transfer_score_compares_areas_on_rows_held_out():
    X, y = rows(n=60)
    model = progressive(measure=True).fit(X, y, source=Domain(X, y))
    plain = progressive().fit(X, y, source=Domain(X, y))
    assert 0.3 < model.transfer_score_ < 3
    assert plain.transfer_score_ is None
    assert np.array_equal(model.outputs(X), plain.outputs(X))  # measuring changes nothing
    assert any("Transfer score" in name for name in model.findings_[1].values)
    few = progressive(measure=True).fit(X[:4], y[:4], source=Domain(X, y))
    assert few.transfer_score_ is None  # of four labels none can be held out


def test_measuring_a_regression():
    X, _ = rows(n=60)
    y = X @ [1.0, 2.0, 3.5]
    recipe = Recipe(epochs=20, learning_rate=0.03, min_steps=5)
    model = progressive(recipe=recipe, measure=True).fit(X, y, source=Domain(X, -y))
    assert model.transfer_score_ > 0.8
