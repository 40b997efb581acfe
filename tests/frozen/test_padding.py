"""Sequences: computed as far as they go, with values that do not depend on their neighbours."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from fourfold.data.rows import ArrayRows
from fourfold.frozen.blocks import in_blocks
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.padding import alike, rounded_lengths, trimmed
from fourfold.training.batches import Table


def sequences(n=30, most=70, seed=0):
    rng = np.random.default_rng(seed)
    x = np.zeros((n, most), np.int32)
    for row, length in zip(x, rng.integers(1, most, n), strict=True):
        row[:length] = rng.integers(1, 50, length)
    return x


class Reader(nn.Module):
    """A network of tokens that says how long a block it got, and looks each token up."""

    def __init__(self, steps=False):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.steps, self.seen = nn.Embedding(51, 4), steps, []

    def forward(self, x):
        self.seen.append(x.shape[1])
        mask = (x > 0).unsqueeze(-1)
        vectors = self.words(x) * mask
        if self.steps:
            return torch.cat([mask.float(), vectors], -1)
        return vectors.sum(1) / mask.sum(1).clamp(min=1)


def test_lengths_are_rounded_up_and_groups_are_alike():
    x = sequences()
    lengths = rounded_lengths(x)
    assert ((lengths % 16 == 0) | (lengths == 70)).all()
    groups = alike(x, 4)
    assert sorted(np.concatenate(groups)) == list(range(len(x)))
    assert all(len(g) <= 4 and len(set(lengths[g])) == 1 for g in groups)
    assert trimmed(x[:1]).shape[1] == lengths[0]


def test_predictions_of_tokens_stay_integers_and_do_not_depend_on_others():
    x, module = sequences(), Reader()
    rows = ArrayRows(x, padded=True)
    found = in_blocks(module, rows)
    assert max(module.seen) <= 70
    assert min(module.seen) < 70
    for i in (0, 7, 29):
        assert np.array_equal(found[i], in_blocks(module, rows.subset(np.array([i])))[0])


def test_frozen_steps_are_filled_up_with_zeros():
    x, module = sequences(), Reader(steps=True)
    rows = ArrayRows(x, padded=True)
    found = Frozen(module, engine="torch", dtype=torch.int32).compute(rows)["output"]
    assert found.shape == (30, 70, 5)
    assert np.array_equal(found[..., 0] > 0, x > 0)
    with torch.no_grad():
        assert np.array_equal(found, module(torch.from_numpy(x)).numpy())


def test_batches_go_no_further_than_their_longest():
    x = sequences()
    table = Table(ArrayRows(x, padded=True))
    short = torch.from_numpy(np.argsort(rounded_lengths(x))[:3].copy())
    assert table.batch(short, torch.device("cpu")).x.shape[1] == rounded_lengths(x).min()
    assert table.batch(short, torch.device("cpu")).x.dtype == torch.int32


def test_networks_that_look_up_whole_numbers_predict_and_are_exported(tmp_path):
    from fourfold import TargetOnly, export, load, save

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(51, 4)

        def forward(self, x):
            return self.words(x.long()).mean(1)

    x, y = sequences(40, 20), np.arange(40) % 2
    model = TargetOnly(network=Words()).fit(x, y)
    assert model.predict(x).shape == (40,)
    assert np.array_equal(model.predict_proba(x[:1]), model.predict_proba(x)[:1])
    assert export(model, tmp_path / "model.onnx") < 1e-5
    save(model, tmp_path / "model")
    assert np.allclose(load(tmp_path / "model").predict_proba(x), model.predict_proba(x), atol=1e-6)
