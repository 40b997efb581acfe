"""Batches of utterances: of like lengths, cut at the longest, each row once in a pass."""

from __future__ import annotations

import numpy as np
import torch
from lightning_fabric import Fabric

from fourfold.data.rows import ArrayRows
from fourfold.training.batches import Stream, Table
from fourfold.training.recipe import Recipe


def utterances(lengths):
    """Return rows of one channel that end in zeros."""
    x = np.zeros((len(lengths), 1, max(lengths)), np.float32)
    for row, length in zip(x, lengths, strict=True):
        row[:, :length] = 1
    rows = ArrayRows(x)
    rows.spoken = True
    return rows


def test_a_batch_ends_soon_after_its_longest_utterance():
    table = Table(utterances([3, 9, 5]), torch.arange(3))
    assert table.lengths.tolist() == [3, 9, 5]
    assert Table(utterances([3, 9, 5]).subset(np.array([1, 2]))).lengths.tolist() == [9, 5]
    assert table.batch(torch.tensor([0, 2]), torch.device("cpu")).x.shape == (2, 1, 6)


def test_a_pass_has_each_utterance_once_in_batches_of_like_lengths():
    lengths = np.random.default_rng(0).integers(10, 200, 64).tolist()
    torch.manual_seed(0)
    stream = Stream(
        Table(utterances(lengths), torch.arange(64)),
        Recipe(batch_size=8),
        Fabric(accelerator="cpu"),
    )
    batches = [stream.next() for _ in range(8)]
    assert sorted(torch.cat([batch.y for batch in batches]).tolist()) == list(range(64))
    padded = sum(batch.x.shape[0] * batch.x.shape[2] for batch in batches)
    assert padded < 1.2 * sum(lengths)
    assert padded < 0.8 * 64 * max(lengths)


def test_steps_of_two_tables_are_about_equally_long():
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    streams = [
        Stream(Table(utterances(random.integers(10, 200, n).tolist()), torch.arange(n)),
               Recipe(batch_size=8), Fabric(accelerator="cpu"))
        for n in (64, 80)
    ]  # fmt: skip
    pairs = [[stream.next().x.shape[2] for stream in streams] for _ in range(8)]
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.9


def test_other_rows_are_shuffled():
    table = Table(ArrayRows(np.zeros((6, 1, 3), np.float32)), torch.arange(6))
    assert table.lengths is None
