"""An engine must compute the same as the module, each row by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold.errors import BundleError, DataError
from fourfold.frozen import start
from fourfold.frozen.engines import Engine, TorchEngine
from fourfold.frozen.frozen import Frozen


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(13, 24), nn.BatchNorm1d(24), nn.LeakyReLU(0.1), nn.Linear(24, 7))


def inputs(n):
    return np.random.default_rng(1).standard_normal((n, 13)).astype(np.float32)


class Wrong(Engine):
    """An engine that adds an error to each row, which may depend on its place in the block."""

    name = "onnxruntime"

    def __init__(self, tapped, block, error):
        self.inner, self.block, self.error = TorchEngine(tapped, block), block, error

    def run(self, rows):
        return [value + self.error[: len(value), None] for value in self.inner.run(rows)]


def built_as(monkeypatch, error):
    def build(tapped, name, precision, probe):
        if name == "torch":
            return TorchEngine(tapped, len(probe), precision)
        return Wrong(tapped, len(probe), np.asarray(error, np.float32))

    monkeypatch.setattr(start, "_build", build)


def test_an_engine_that_computes_something_else_is_not_used(monkeypatch):
    built_as(monkeypatch, np.full(32, 0.1))
    f = Frozen(mlp())
    f.compute(inputs(3))
    assert f.engine_used == "torch"
    with pytest.raises(BundleError, match="onnxruntime must compute the same as the module"):
        Frozen(mlp(), engine="onnxruntime").compute(inputs(3))


def test_an_engine_that_treats_places_differently_computes_row_by_row(monkeypatch):
    built_as(monkeypatch, np.arange(32) * 1e-6)
    f = Frozen(mlp(), engine="onnxruntime")
    x = inputs(33)
    together = f.compute(x)["output"]
    assert {engine.block for engine in f._engines.ready.values()} == {1}
    for i in (0, 13, 31, 32):
        np.testing.assert_array_equal(f.compute(x[i : i + 1])["output"][0], together[i])


class Centred(nn.Module):
    def forward(self, x):
        return x - x.mean(0)


def test_a_module_that_mixes_rows_is_refused():
    with pytest.raises(DataError, match="must be row-wise"):
        Frozen(Centred(), engine="torch").compute(inputs(3))
