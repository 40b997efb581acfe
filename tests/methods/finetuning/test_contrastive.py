"""Contrastive: features of one class come together, of others apart."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import normalize

from fourfold import Contrastive, Domain, Recipe
from fourfold.methods.finetuning.contrastive import _pairs


def test_half_of_the_pairs_are_of_one_class_and_none_of_one_row():
    y = torch.arange(12) % 3
    first, second = _pairs(y, 2000, torch.Generator().manual_seed(0)).chunk(2)
    assert (first != second).all()
    assert abs((y[first] == y[second]).float().mean() - 0.5) < 0.05


def test_classes_come_apart_from_a_source_that_mixes_them():
    rng = np.random.default_rng(0)
    y = np.arange(240) % 3
    x = rng.normal(0, 0.6, (240, 5)) + np.eye(5)[y]
    source = Domain(x, rng.permutation(y))
    model = Contrastive(recipe=Recipe(steps=300, learning_rate=1e-2), decay=1, n_pairs=500)
    model.fit(x[:60], y[:60], source=source)
    features = normalize(torch.from_numpy(model.embed(x[:60])))
    cosines, same = features @ features.T, torch.from_numpy(y[:60, None] == y[None, :60])
    assert cosines[same].mean() > cosines[~same].mean() + 0.4
    assert model.score(x[60:], y[60:]) > 0.65
