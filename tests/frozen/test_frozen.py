"""Frozen computes the same as its module, each row by itself."""

from __future__ import annotations

import copy
import functools
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from fourfold.data.rows import ArrayRows, FrameRows
from fourfold.errors import BundleError, DataError, ParameterError
from fourfold.frozen.engines import OnnxRuntimeEngine
from fourfold.frozen.frozen import Frozen

ENGINES = ["onnxruntime", "openvino", "torch"]
SHAPES = {"mlp": (13,), "conv": (3, 12, 12)}


def mlp(width=24, slope=0.1):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(13, width), nn.BatchNorm1d(width), nn.LeakyReLU(slope), nn.Linear(width, 7)
    )


def conv():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 9, 3),
        nn.BatchNorm2d(9),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(9, 5, 3),
        nn.Flatten(),
        nn.Linear(45, 6),
    )


NETWORKS = {"mlp": mlp, "conv": conv}


def inputs(name, n):
    return np.random.default_rng(1).standard_normal((n, *SHAPES[name])).astype(np.float32)


@functools.cache
def frozen(name, engine, block):
    if engine == "openvino":
        pytest.importorskip("openvino", reason="the extra openvino is not installed")
    return Frozen(NETWORKS[name](), engine=engine, block=block)


@pytest.mark.parametrize("block", [5, 32])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_row_has_one_value_wherever_it_stands(name, engine, block):
    f = frozen(name, engine, block)
    x = inputs(name, 45)
    together = f.compute(x)["output"]
    assert f.engine_used == engine
    for i in (0, 17, 31, 44):
        np.testing.assert_array_equal(f.compute(x[i : i + 1])["output"][0], together[i])
    order = np.random.default_rng(2).permutation(45)
    np.testing.assert_array_equal(f.compute(x[order])["output"], together[order])
    np.testing.assert_array_equal(f.compute(ArrayRows(x), order)["output"], together[order])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_engine_computes_what_the_module_does(name, engine):
    x = inputs(name, 45)
    module = NETWORKS[name]().eval()
    right = module(torch.from_numpy(x)).detach().numpy()
    got = frozen(name, engine, 32).compute(x)["output"]
    np.testing.assert_allclose(got, right, rtol=1e-3, atol=1e-3 * np.abs(right).max())
    np.testing.assert_array_equal(frozen(name, engine, 32)(torch.from_numpy(x)), right)


@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
def test_taps_are_what_layers_return_before_others_change_it(engine):
    module = conv()
    f = Frozen(module, taps=["4", "1"], engine=engine)
    assert f.names == ("4", "1", "output")
    x = inputs("conv", 33)
    got = f.compute(x)
    module.eval()
    normed = module[:2](torch.from_numpy(x)).detach().numpy()
    assert (normed < 0).any()  # the ReLU behind it works in place
    np.testing.assert_allclose(got["1"], normed, atol=1e-4)
    assert got["4"].shape == (33, 5, 3, 3)
    np.testing.assert_array_equal(got["4"], f.compute(x)["4"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "tensorrt"}, "engine must be one of auto, onnxruntime"),
        ({"precision": "int8"}, "precision must be one of fp32, bf16"),
        ({"block": 0}, "block must be at least 1; got 0"),
        ({"engine": "onnxruntime", "precision": "bf16"}, "precision must be 'fp32' for"),
    ],
)
def test_options_that_do_not_exist_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        Frozen(mlp(), **options)


def test_it_never_trains_and_leaves_the_module_alone():
    module = mlp()
    around = nn.Sequential(Frozen(module), nn.Linear(7, 1)).train()
    assert not any(part.training for part in around[0].modules())
    mean = around[0].module[1].running_mean.clone()
    around(torch.randn(9, 13)).sum().backward()
    assert torch.equal(around[0].module[1].running_mean, mean)
    assert all(p.grad is None and not p.requires_grad for p in around[0].parameters())
    assert module.training
    assert all(p.requires_grad for p in module.parameters())
    with torch.no_grad():
        module[0].weight.zero_()
    assert around[0].module[0].weight.abs().sum() > 0


def test_inputs_without_rows_have_values_without_rows():
    f = frozen("mlp", "torch", 32)
    assert f.compute(ArrayRows(inputs("mlp", 3)), np.arange(0))["output"].shape == (0, 7)


def test_tables_are_refused():
    import pandas as pd

    with pytest.raises(DataError, match="got a table"):
        frozen("mlp", "torch", 32).compute(FrameRows(pd.DataFrame({"a": [1]})))


class Embedded(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(5, 4)

    def forward(self, x):
        return self.table(x).mean(1)


def test_whole_numbers_stay_whole_where_asked_for():
    f = Frozen(Embedded(), dtype=torch.int64)
    x = np.random.default_rng(0).integers(0, 5, (40, 3))
    right = Embedded()(torch.from_numpy(x)).detach()
    np.testing.assert_allclose(f.compute(x)["output"], right, atol=1e-6)
    assert f.engine_used == "onnxruntime"


def test_rows_may_differ_in_length():
    f = Frozen(nn.Conv1d(1, 2, 3), engine="torch")
    sounds = np.empty(3, object)
    sounds[:] = [np.random.default_rng(n).standard_normal((1, n)) for n in (5, 9, 4)]
    values = f.compute(ArrayRows(sounds))["output"]
    assert [value.shape for value in values] == [(2, 3), (2, 7), (2, 2)]
    np.testing.assert_array_equal(f.compute(ArrayRows(sounds[1:2]))["output"][0], values[1])


class Foreign(nn.Module):
    """Does something that cannot be exported."""

    def forward(self, x):
        return torch.tensor([[math.sin(value) for value in row] for row in x.tolist()])


def test_what_cannot_be_exported_runs_in_torch_unless_asked_otherwise():
    x = inputs("mlp", 5)
    f = Frozen(Foreign())
    assert f.engine_used is None
    np.testing.assert_array_equal(f.compute(x)["output"], Foreign()(torch.from_numpy(x)))
    assert f.engine_used == "torch"
    with pytest.raises(BundleError, match="must be exportable"):
        Frozen(Foreign(), engine="onnxruntime").compute(x)


def test_copies_share_the_engine_and_pickles_start_their_own():
    f = frozen("mlp", "onnxruntime", 32)
    x = inputs("mlp", 40)
    right = f.compute(x)["output"]
    twin = copy.deepcopy(f)
    assert twin._engines is f._engines
    assert twin.module[0].weight is not f.module[0].weight
    sent = pickle.loads(pickle.dumps(f))  # noqa: S301  our own, as between processes
    (engine,) = sent._engines.ready.values()
    assert isinstance(engine, OnnxRuntimeEngine)
    assert engine._session is None
    for other in (twin, sent):
        assert other.key == f.key
        np.testing.assert_array_equal(other.compute(x)["output"], right)


def test_other_weights_start_another_engine():
    f = Frozen(mlp(), engine="torch")
    x = inputs("mlp", 4)
    before, twin = f.compute(x)["output"], copy.deepcopy(f)
    key = f.key
    f.load_state_dict({name: value * 2 for name, value in f.state_dict().items()})
    assert f.key != key
    right = f.module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(f.compute(x)["output"], right, rtol=1e-4)
    np.testing.assert_array_equal(twin.compute(x)["output"], before)


class Gated(nn.Module):
    """A module of settings that its repr does not show."""

    def __init__(self, power=1.0, gate=torch.tanh, shift=0.0):
        super().__init__()
        self.power = power
        self.gate = gate
        self.register_buffer("shift", torch.tensor(shift), persistent=False)

    def forward(self, x):
        return self.gate(x) ** self.power + self.shift


def test_the_key_is_that_of_what_is_computed():
    makers = [
        lambda: Frozen(mlp()),
        lambda: Frozen(mlp(slope=0.2)),
        lambda: Frozen(mlp(width=25)),
        lambda: Frozen(mlp().double()),
        lambda: Frozen(mlp(), taps=["0"]),
        lambda: Frozen(mlp(), engine="torch"),
        lambda: Frozen(mlp(), engine="torch", precision="bf16"),
        lambda: Frozen(mlp(), block=16),
        lambda: Frozen(mlp(), dtype=torch.float64),
        lambda: Frozen(Gated()),
        lambda: Frozen(Gated(power=2.0)),
        lambda: Frozen(Gated(gate=torch.relu)),
        lambda: Frozen(Gated(gate=functools.partial(torch.clamp, min=0))),
        lambda: Frozen(Gated(gate=functools.partial(torch.clamp, min=1))),
        lambda: Frozen(Gated(shift=1.0)),
    ]
    keys = [make().key for make in makers]
    assert len(set(keys)) == len(makers)
    assert keys == [make().key for make in makers]
    assert all(len(bytes.fromhex(key)) == 16 for key in keys)


def test_another_process_gives_the_same_key():
    program = f"import runpy; print(runpy.run_path({__file__!r})['key_here']())"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stdout.strip() == key_here(), run.stderr


def key_here():
    return Frozen(mlp(), taps=["2"]).key
