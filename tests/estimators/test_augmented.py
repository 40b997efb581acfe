"""Augmentation reaches training batches alone: raw rows, drawn views, and mixed losses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold import Domain, FineTune, Recipe, TargetOnly, cut, load, save
from fourfold.core.tasks import Classification
from fourfold.estimators.supervised import label_loss
from fourfold.training.augmentation import Augmentation
from fourfold.training.batches import Batch, Table
from small_networks import drawings

pytest.importorskip("torchvision", reason="torchvision comes with the extra 'image'")

X, Y = drawings(24)
NAMES = np.where(Y == "left", "dawn", "dusk")
RECIPE = Recipe(steps=3, batch_size=8)


@pytest.fixture
def taken(monkeypatch):
    """Rows of all batches of a training."""
    batches = []
    own = Table.batch

    def batch(self, index, device, *, training=False):
        made = own(self, index, device, training=training)
        batches.append((training, made.x.clone(), self._x(index).clone()))
        return made

    monkeypatch.setattr(Table, "batch", batch)
    return batches


def test_training_changes_rows_and_validation_does_not(taken):
    recipe = RECIPE.but(augment=Augmentation(), validation=0.25)
    model = TargetOnly(recipe=recipe).fit(X, NAMES)
    assert {training for training, *_ in taken} == {True, False}
    for training, got, raw in taken:
        assert torch.equal(got, raw) != training
        assert got.dtype == torch.uint8
    again = TargetOnly(recipe=recipe).fit(X, NAMES)
    assert np.array_equal(model.predict_proba(X), again.predict_proba(X))


def test_labels_that_are_numbers_leave_rows_as_they_are(taken):
    TargetOnly(recipe=RECIPE.but(augment=Augmentation())).fit(X, np.arange(24) / 7)
    assert all(torch.equal(got, raw) for _, got, raw in taken)


def test_a_frozen_lower_part_computes_views_once(taken):
    lower = nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.ReLU())
    network = cut(nn.Sequential(lower, nn.Flatten(), nn.Linear(4 * 25, 8)), at="0", engine="torch")
    pictures = np.moveaxis(X, -1, 1).copy()
    recipe = RECIPE.but(augment=Augmentation(views=2), steps=12)
    TargetOnly(network=network, recipe=recipe).fit(pictures, NAMES)
    rows = torch.cat([got for training, got, _ in taken if training])
    plain = torch.cat([raw for training, _, raw in taken if training])
    assert 24 < len(rows.flatten(1).unique(dim=0)) <= 48
    assert not torch.equal(rows, plain)


def test_bytes_that_a_network_of_ones_own_gets_as_floats_keep_their_range(taken):
    pictures = np.moveaxis(np.maximum(X, 200), -1, 1).copy()
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 24 * 24, 4))
    recipe = RECIPE.but(augment=Augmentation(operations=2, magnitude=20))
    TargetOnly(network=network, recipe=recipe).fit(pictures, NAMES)
    rows = torch.cat([got for training, got, _ in taken if training])
    assert rows.dtype == torch.float32
    assert 100 < float(rows.mean()) < float(rows.max()) <= 255


def test_a_head_alone_learns_from_views_of_its_features(taken):
    source = Domain(X[:12], NAMES[:12])
    recipe = RECIPE.but(augment=Augmentation(views=3))
    FineTune(decay=0.0, recipe=recipe).fit(X[12:], NAMES[12:], source=source)
    heads = [(got, raw) for _, got, raw in taken if got.ndim == 2]
    assert heads
    assert not any(torch.equal(got, raw) for got, raw in heads)


def test_mixup_mixes_rows_and_losses_alike():
    torch.manual_seed(0)
    task = Classification().fit(Domain(np.zeros((2, 2)), ["a", "b"]))
    model, seen = nn.Linear(2, 2), []
    model.register_forward_hook(lambda _m, given, _o: seen.append(given[0]))
    x, y = torch.eye(2), torch.tensor([0, 1])
    losses = []
    for _ in range(20):
        losses.append(label_loss(model, task)(Batch(x, y, mixup=1.0)))
        share = seen[-1].max(1).values  # of the larger part; 1 where a row met itself
        if torch.equal(share, torch.ones(2)):
            continue
        weights = seen[-1]
        expected = -(weights * model(weights).log_softmax(1)).sum(1).mean()
        torch.testing.assert_close(losses[-1], expected)
    assert len({float(loss.detach()) for loss in losses}) > 5


def test_a_recipe_with_augmentation_is_saved(tmp_path):
    recipe = RECIPE.but(augment=Augmentation(flip=False, mixup=0.2))
    model = TargetOnly(recipe=recipe).fit(X, NAMES)
    save(model, tmp_path / "model")
    assert repr(load(tmp_path / "model").recipe) == repr(recipe)
    assert recipe.identity() != RECIPE.identity()
    nested = TargetOnly().set_params(recipe__augment__crop=0.7)
    assert nested.recipe.augment.crop == 0.7
