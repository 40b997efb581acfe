"""Files of a fitted network hold its weights, preparation, task and further state."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from contract import blobs, same_bits
from fourfold import Recipe, TargetOnly
from fourfold.core.findings import Facts
from fourfold.errors import BundleError, ParameterError
from fourfold.estimators import model_files
from fourfold.estimators.model import FittedModel
from fourfold.estimators.problem import Fitted
from fourfold.frozen.store import Store, using
from fourfold.networks import Mlp
from fourfold.networks.cut import cut

DATA = blobs()
RECIPE = Recipe(epochs=2, min_steps=5)


def fitted(network):
    return TargetOnly(network=network, recipe=RECIPE).fit(DATA.X, DATA.y)


def own():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 5), nn.ReLU())


def written(folder, model, state=()):
    """Write a model; return what stands beside the files, as JSON gives it back."""
    folder.mkdir()
    parts = Fitted(model.model_, model.history_, [Facts("a", {"b": "c"})], dict(state))
    return json.loads(json.dumps(model_files.write(folder, model.task_, model.inputs_, parts)))


def read(folder, notes, module=None):
    head = lambda task, width, _state: task.head(width)  # noqa: E731
    return model_files.read(folder, notes, owner="TargetOnly", module=module, head=head)


def test_everything_comes_back(tmp_path):
    model = fitted(Mlp())
    state = {"start_": {"a.b": torch.arange(3.0)}, "score_": 0.25, "none_": None}
    notes = written(tmp_path / "model", model, state)
    task, inputs, again = read(tmp_path / "model", notes)
    assert same_bits(again.model.outputs(inputs.ready(model.ready(DATA.X))), model.outputs(DATA.X))
    assert task.state() == model.task_.state()
    assert (inputs.path, inputs.shape, inputs.n_features) == (model.inputs_.path, (4,), 4)
    assert again.history == model.history_
    assert again.findings == [Facts("a", {"b": "c"})]
    assert torch.equal(again.state["start_"]["a.b"], torch.arange(3.0))
    assert (again.state["score_"], again.state["none_"]) == (0.25, None)
    assert not model_files.only_predicts(again.model)
    assert not (tmp_path / "model" / model_files.BODY).exists()


def test_a_users_network_only_predicts_unless_it_is_brought(tmp_path):
    model = fitted(own())
    notes = written(tmp_path / "model", model)
    _, inputs, alone = read(tmp_path / "model", notes)
    assert model_files.only_predicts(alone.model)
    rows = inputs.ready(model.ready(DATA.X))
    np.testing.assert_allclose(alone.model.outputs(rows), model.outputs(DATA.X), atol=1e-5)
    _, _, brought = read(tmp_path / "model", notes, own())
    assert not model_files.only_predicts(brought.model)
    assert same_bits(brought.model.outputs(rows), model.outputs(DATA.X))
    with pytest.raises(BundleError, match="the network must be the one that was saved; got: size"):
        read(tmp_path / "model", notes, nn.Sequential(nn.Linear(4, 6), nn.ReLU()))


def test_a_frozen_network_is_exported_once_for_all_models(tmp_path, monkeypatch):
    exported = []

    def export(module, _example, path):
        exported.append(module)
        path.write_bytes(b"onnx")

    monkeypatch.setattr(model_files, "export_onnx", export)
    network = cut(own(), "1", engine="torch")
    with using(Store(tmp_path / "store")):
        for name in "ab":
            written(tmp_path / name, fitted(network))
    assert len(exported) == 3  # the frozen network, and each one's own upper part
    assert (tmp_path / "b" / model_files.FROZEN).read_bytes() == b"onnx"


def test_a_model_that_is_no_network_is_refused(tmp_path):
    class Zero(FittedModel):
        def outputs(self, rows):
            return np.zeros((rows.n, 3), np.float32)

        embed = outputs

    model = fitted(Mlp())
    with pytest.raises(ParameterError, match="the model to save must be a network; got Zero"):
        model_files.write(tmp_path, model.task_, model.inputs_, Fitted(Zero()))
