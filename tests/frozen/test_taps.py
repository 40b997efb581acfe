"""Taps name layers that run and return tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold.errors import DataError, ParameterError
from fourfold.frozen.frozen import Frozen


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(13, 24), nn.BatchNorm1d(24), nn.LeakyReLU(0.1), nn.Linear(24, 7))


def inputs(n):
    return np.random.default_rng(1).standard_normal((n, 13)).astype(np.float32)


def test_taps_that_do_not_exist_are_refused():
    with pytest.raises(ParameterError, match="must name a layer of the network; got 'fc'; near it"):
        Frozen(mlp(), taps=["fc"])
    with pytest.raises(ParameterError, match="must be named once"):
        Frozen(mlp(), taps=["0", "0"])


def test_a_module_that_returns_no_tensor_is_refused():
    with pytest.raises(DataError, match="must return one tensor; 'output' returned a tuple"):
        Frozen(nn.LSTM(13, 2)).compute(inputs(3))
