"""Packed rows hold what was packed, row by row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold.data.rows import ArrayRows
from fourfold.errors import DataError
from fourfold.frozen.packed import PackedRows, unpack


def parts(n=7):
    rng = np.random.default_rng(0)
    shapes = [(3,), (2, 4, 4), (1,)]
    return [ArrayRows(rng.normal(size=(n, *shape)).astype(np.float32)) for shape in shapes]


def test_what_is_packed_is_unpacked_the_same():
    packed = PackedRows(parts())
    assert packed.shape == (3 + 32 + 1,)
    index = np.array([5, 0, 5])
    found = unpack(torch.from_numpy(packed.take(index)), packed.shapes)
    for part, values in zip(packed.parts, found, strict=True):
        assert np.array_equal(values.numpy(), part.take(index))


def test_a_subset_is_that_of_every_part():
    packed = PackedRows(parts())
    index = np.array([6, 2])
    assert np.array_equal(packed.subset(index).take(np.arange(2)), packed.take(index))


def test_bytes_become_numbers():
    packed = PackedRows([ArrayRows(np.array([[200, 3]], np.uint8)), *parts(1)])
    assert packed.take(np.arange(1))[0, :2].tolist() == [200.0, 3.0]


def test_parts_must_be_equally_many():
    with pytest.raises(DataError, match=r"must be equally many; got \[3, 7\]"):
        PackedRows([*parts(7), *parts(3)])
