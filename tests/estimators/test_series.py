"""Methods on series: batches, saving, ONNX, cut networks and layers that are transferred."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from contract import Piles, fitted, same_bits
from fourfold import (
    DANN,
    Domain,
    FineTune,
    LayerTransfer,
    MultiTask,
    ProgressiveNetwork,
    Recipe,
    cut,
    export,
    load,
    save,
)
from fourfold.networks import ConvNet1d


def series(rows=40):
    """Draw two classes of series (channels, time): an early wave, or a late one."""
    rng = np.random.default_rng(0)
    y = np.arange(2 * rows) % 2
    X = rng.normal(size=(2 * rows, 2, 32)).astype(np.float32)
    X[y == 0, 0, 4:10] += 3
    X[y == 1, 1, 20:26] -= 3
    return Piles(Domain(X[:rows], y[:rows]), X[rows:], y[rows:])


PILES = series()


@pytest.mark.parametrize("method", [FineTune, LayerTransfer, DANN, ProgressiveNetwork])
def test_a_method_on_series_predicts_rows_alone_and_after_saving(method, tmp_path):
    model = fitted(method, PILES)
    assert any(isinstance(m, torch.nn.Conv1d) for m in model.model_.body.modules())
    whole = model.outputs(PILES.X)
    for part in (np.array([3]), np.array([7, 1]), np.arange(33)):
        assert same_bits(model.outputs(PILES.X[part]), whole[part])
    save(model, tmp_path / "model")
    assert same_bits(load(tmp_path / "model").outputs(PILES.X), whole)


def test_a_model_of_series_goes_through_onnx(tmp_path):
    model = fitted(FineTune, PILES)
    assert export(model, tmp_path / "a.onnx") < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    (p,) = session.run(None, {session.get_inputs()[0].name: PILES.X})
    np.testing.assert_allclose(p, model.predict_proba(PILES.X), atol=1e-4)


@pytest.mark.parametrize("at", ["conv1", "conv2"])
def test_a_network_of_series_is_cut(at):
    network = ConvNet1d(channels=(8, 8)).build((2, 32))
    model = fitted(FineTune, PILES, network=cut(network, at=at))
    assert model.outputs(PILES.X).shape == (40, 2)
    whole = model.outputs(PILES.X)
    assert same_bits(model.outputs(PILES.X[5:6]), whole[5:6])


def test_several_tasks_on_series():
    tasks = {"a": PILES.source, "b": Domain(PILES.X, PILES.y)}
    model = MultiTask(recipe=Recipe(steps=3)).fit(tasks)
    assert model.predict(PILES.X, task="b").shape == (40,)
