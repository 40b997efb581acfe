"""A row's value depends in no bit on its neighbours, whatever the network and however it lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold.data.rows import as_rows
from fourfold.frozen.blocks import as_tensor, in_blocks


@pytest.mark.parametrize("width", [2, 3, 10, 64])
@pytest.mark.parametrize("features", [5, 13, 37, 64, 101])
def test_a_row_is_the_same_alone_and_in_any_place(features: int, width: int) -> None:
    torch.manual_seed(0)
    network = nn.Linear(features, width)
    X = np.random.default_rng(0).normal(size=(75, features)).astype(np.float32)
    whole = in_blocks(network, as_rows(X))
    for i in (0, 1, 31, 32, 33, 74):
        assert np.array_equal(in_blocks(network, as_rows(X[i : i + 1])), whole[i : i + 1])
    order = np.random.default_rng(1).permutation(75)
    assert np.array_equal(in_blocks(network, as_rows(X[order])), whole[order])
    offset = np.zeros(75 * features + 1, np.float32)[1:].reshape(75, features)  # lies elsewhere
    offset[:] = X
    assert np.array_equal(in_blocks(network, as_rows(offset)), whole)


class Uneven(nn.Module):
    """Adds to each row its place in the block, as a kernel may by its rounding."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.arange(len(x))[:, None]


def test_only_the_module_that_needs_it_takes_rows_one_by_one() -> None:
    sizes = []
    first = nn.Linear(3, 2)
    first.register_forward_hook(lambda _module, _inputs, output: sizes.append(len(output)))
    X = as_rows(np.random.default_rng(0).normal(size=(70, 3)).astype(np.float32))
    values = in_blocks(first, X, Uneven())
    assert np.array_equal(values, in_blocks(first, X))
    assert set(sizes) == {32}


def test_what_a_network_gives_back_of_its_input_is_kept() -> None:
    X = np.arange(80, dtype=np.float32).reshape(40, 2)
    assert np.array_equal(in_blocks(nn.Identity(), as_rows(X)), X)
    assert np.array_equal(in_blocks(nn.ReLU(inplace=True), as_rows(X - 40)), np.maximum(X - 40, 0))
    assert X[0, 1] == 1


def test_prediction_is_in_evaluation_mode_and_leaves_no_gradient() -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.9))
    X = as_rows(np.ones((5, 3), np.float32))
    assert np.array_equal(in_blocks(network.train(), X), in_blocks(network, X))
    assert network[0].weight.grad is None


@pytest.mark.parametrize("kind", ["f4", ">f4", ">i8", "g", "u2", "?"])
def test_arrays_of_any_type_become_tensors(kind: str) -> None:
    block = np.array([[0, 1], [1, 0]], kind)
    tensor = as_tensor(block)
    assert tensor.tolist() == block.tolist()


def test_memory_is_shared_unless_it_is_read_only() -> None:
    block = np.zeros((2, 2), np.float32)
    as_tensor(block)[0, 0] = 1
    assert block[0, 0] == 1
    block.flags.writeable = False
    as_tensor(block)[0, 0] = 2
    assert block[0, 0] == 1
