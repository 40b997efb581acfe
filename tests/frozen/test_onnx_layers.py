"""Simple layers are written as ONNX without torch's exporter, and any other network by it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from fourfold.frozen.onnx import export_onnx, relative_difference, session
from fourfold.networks.builder import Body

LINEAR = nn.Linear(6, 4)


class Own(nn.Sequential):
    """A sequence with a forward of its own."""

    def forward(self, x):
        return super().forward(x) + 1


def trained_norm():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(6)
    for part in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(part)
    norm.running_var.uniform_(0.5, 2)
    return norm


def hooked():
    layer = nn.Linear(6, 4)
    layer.register_forward_hook(lambda _m, _x, out: out * 2)
    return layer


@pytest.fixture
def exported(monkeypatch):
    """Modules that torch's exporter was given."""
    called = []
    own = torch.onnx.export

    def export(module, *args, **options):
        called.append(module)
        return own(module, *args, **options)

    monkeypatch.setattr(torch.onnx, "export", export)
    return called


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (LINEAR, (6,)),
        (nn.Linear(6, 4, bias=False), (6,)),
        (nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(24, 3), nn.SiLU()), (2, 3, 4)),
        (nn.Sequential(nn.Sequential(nn.Linear(6, 5), nn.Tanh()), nn.Dropout(0.9)), (6,)),
        (nn.Sequential(trained_norm(), nn.Linear(6, 2), nn.Sigmoid(), nn.Softmax(1)), (6,)),
        (nn.Identity(), (2, 3)),
        (Body({"fc": nn.Linear(6, 3), "out": nn.Identity()}, 3), (6,)),
    ],
)
@pytest.mark.parametrize("fixed", [False, True])
def test_simple_layers_are_written(module, shape, fixed, exported, tmp_path):
    path = tmp_path / "layers.onnx"
    module.train()
    export_onnx(module, torch.zeros(2, *shape), path, names=["answer"], fixed_batch=fixed)
    assert exported == []
    assert module.training
    onnx.checker.check_model(onnx.load(path), full_check=True)
    rows = np.random.default_rng(0).standard_normal((2 if fixed else 5, *shape)).astype(np.float32)
    (got,) = session(path).run(["answer"], {"input": rows})
    with torch.no_grad():
        wanted = module.eval()(torch.from_numpy(rows)).numpy()
    assert relative_difference(got, wanted) < 1e-6


@pytest.mark.parametrize(
    ("module", "shape"), [(hooked(), (6,)), (Own(nn.Linear(6, 4)), (6,)), (nn.Linear(6, 4), (3, 6))]
)
def test_what_does_more_is_exported_by_torch(module, shape, exported, tmp_path):
    export_onnx(module, torch.zeros(2, *shape), tmp_path / "any.onnx")
    assert len(exported) == 1
    rows = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    (got,) = session(tmp_path / "any.onnx").run(None, {"input": rows})
    with torch.no_grad():
        wanted = module.eval()(torch.from_numpy(rows)).numpy()
    assert relative_difference(got, wanted) < 1e-5
