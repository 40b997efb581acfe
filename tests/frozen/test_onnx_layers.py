"""Simple layers are written as ONNX without torch's exporter, and any other network by it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from fourfold.frozen.frozen import Frozen
from fourfold.frozen.onnx import export_onnx, relative_difference, session
from fourfold.frozen.onnx_layers import written_layers
from fourfold.networks.builder import Body

LINEAR = nn.Linear(6, 4)


class Own(nn.Sequential):
    """A sequence with a forward of its own."""

    def forward(self, x):
        return super().forward(x) + 1


def trained_norm(kind=nn.BatchNorm1d):
    torch.manual_seed(0)
    norm = kind(6)
    for part in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(part)
    norm.running_var.uniform_(0.5, 2)
    return norm


def hooked():
    layer = nn.Linear(6, 4)
    layer.register_forward_hook(lambda _m, _x, out: out * 2)
    return layer


PICTURES = nn.Sequential(
    nn.Conv2d(4, 6, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 1), groups=2),
    trained_norm(nn.BatchNorm2d),
    nn.MaxPool2d(3, stride=2, padding=1),
    nn.ReLU(inplace=True),
    nn.Conv2d(6, 2, 1, bias=False),
    nn.Flatten(),
    nn.Linear(30, 3),
)


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
        (nn.Sequential(nn.Linear(6, 5), nn.LeakyReLU(0.2)), (6,)),
        (PICTURES, (4, 9, 11)),
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


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(2, 3, 3, padding="same"),
        nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.MaxPool2d(2, return_indices=True),
        nn.BatchNorm2d(2, track_running_stats=False),
        nn.Linear(7, 2),
    ],
)
def test_layers_of_pictures_in_other_ways_are_not_simple(layer):
    assert written_layers(layer, torch.zeros(1, 2, 7, 7), "output", rows=None) is None


class Reshaped(nn.Module):
    """A layer whose file holds the number of its rows."""

    def forward(self, x):
        return x.reshape(x.shape[0], -1)


def test_the_file_of_an_engine_is_that_of_a_saved_model(exported):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
    frozen = Frozen(module, engine="onnxruntime", block=8)
    assert frozen.onnx((3, 12, 12)) is None  # no engine yet
    x = np.random.default_rng(0).standard_normal((5, 3, 12, 12)).astype(np.float32)
    wanted = frozen.compute(x)["output"]
    (got,) = session(frozen.onnx((3, 12, 12))).run(None, {"input": x})
    assert relative_difference(got, wanted) < 1e-5
    assert len(exported) == 1
    assert frozen.onnx((3, 16, 16)) is None
    next(frozen.module.parameters()).data.add_(1)  # an engine of other weights is not asked
    assert frozen.onnx((3, 12, 12)) is None


def test_a_file_that_needs_its_number_of_rows_is_not():
    frozen = Frozen(nn.Sequential(nn.Conv2d(3, 4, 3), Reshaped()), engine="onnxruntime", block=8)
    frozen.compute(np.zeros((2, 3, 6, 6), np.float32))
    assert frozen.onnx((3, 6, 6)) is None
