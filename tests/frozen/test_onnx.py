"""A module becomes one ONNX file that computes the same."""

from __future__ import annotations

import math
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from fourfold.errors import BundleError
from fourfold.frozen.onnx import export_onnx, read_onnx, relative_difference, session
from parity import check_parity


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    net = network().eval()
    export_onnx(net, torch.randn(1, 3), path)
    return path, net


@pytest.mark.parametrize("n", [1, 7])
def test_it_takes_any_number_of_rows(exported, n):
    path, net = exported
    x = torch.randn(n, 3)
    (got,) = session(path).run(["output"], {"input": x.numpy()})
    np.testing.assert_allclose(got, net(x).detach(), rtol=1e-4, atol=1e-6)
    assert check_parity(path, net, x) < 1e-5


def test_the_batch_can_be_fixed(tmp_path):
    path = tmp_path / "model.onnx"
    export_onnx(network(), torch.randn(4, 3), path, names=("scores",), fixed_batch=True)
    opened = session(path.read_bytes(), threads=1)
    assert opened.get_inputs()[0].shape == [4, 3]
    assert [output.name for output in opened.get_outputs()] == ["scores"]
    assert opened.get_session_options().intra_op_num_threads == 1
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument):
        opened.run(None, {"input": np.zeros((3, 3), np.float32)})


def test_export_is_quiet_one_file_and_leaves_the_module_alone(tmp_path, capfd):
    net = network().train()
    net[2].eval()
    before = net[1].running_mean.clone()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export_onnx(net, torch.randn(4, 3), tmp_path / "model.onnx")
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    assert [part.training for part in net] == [True, True, False, True]
    assert torch.equal(net[1].running_mean, before)


def test_a_module_that_computes_something_else_is_found_out(exported):
    path, net = exported
    other = network().eval()
    with torch.no_grad():
        other[3].bias += 0.1
    with pytest.raises(AssertionError):
        check_parity(path, other, torch.randn(5, 3))
    assert check_parity(path, net, torch.randn(5, 3)) >= 0


def test_what_cannot_be_exported_says_so(tmp_path):
    class Foreign(nn.Module):
        def forward(self, x):
            return torch.tensor([[math.sin(value) for value in row] for row in x.tolist()])

    with pytest.raises(BundleError, match="Foreign must be exportable to ONNX"):
        export_onnx(Foreign(), torch.randn(2, 3), tmp_path / "model.onnx")


def test_what_is_no_model_says_so():
    with pytest.raises(BundleError, match="must be runnable by ONNX Runtime"):
        session(b"no model")


def test_differences_are_relative_to_the_outputs_scale():
    a = np.array([0.0, 100.0, np.nan])
    assert relative_difference(a, a) == 0
    assert relative_difference(a + 1, a) == pytest.approx(0.01)
    assert relative_difference(np.array([0.0, 100.0, 1.0]), a) == float("inf")
    assert relative_difference(a[:2], a) == float("inf")
    assert relative_difference(np.zeros(0), np.zeros(0)) == 0


def elsewhere(tensor):
    """Name a file in place of a tensor's numbers."""
    onnx.external_data_helper.set_external_data(tensor, "numbers.bin")
    tensor.ClearField("raw_data")


def test_a_whole_file_is_read_as_it_is(exported):
    path, _ = exported
    assert read_onnx(path) == path.read_bytes()


@pytest.mark.parametrize("place", ["weight", "attribute", "body of a branch", "function"])
def test_a_file_that_names_others_is_refused_wherever_it_does(exported, tmp_path, place):
    model = onnx.load_from_string(exported[0].read_bytes())
    tensor = onnx.numpy_helper.from_array(np.zeros(9, np.float32), "more")
    elsewhere(tensor)
    node = onnx.helper.make_node("Constant", [], ["more"], value=tensor)
    if place == "weight":
        elsewhere(model.graph.initializer[0])
    elif place == "attribute":
        model.graph.node.append(node)
    elif place == "function":
        model.functions.append(
            onnx.helper.make_function("own", "f", [], ["more"], [node], model.opset_import)
        )
    else:
        branch = onnx.helper.make_graph([], "branch", [], [], [tensor])
        model.graph.node.append(onnx.helper.make_node("If", ["x"], ["y"], then_branch=branch))
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    (tmp_path / "numbers.bin").write_bytes(bytes(99))
    with pytest.raises(BundleError, match="must hold all of its weights; it names other files"):
        read_onnx(path)


def test_what_is_no_onnx_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\xff\xff\xff")
    with pytest.raises(BundleError, match=r"model\.onnx must be an ONNX file; got: "):
        read_onnx(path)
