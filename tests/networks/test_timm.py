"""timm's networks by name, with weights from a local file."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch
from safetensors.torch import save_file

from fourfold.errors import DataError, FileError, MissingExtraError, ParameterError
from fourfold.networks import BUILDERS

timm = pytest.importorskip("timm", reason="timm comes with the extra 'image'")

SHAPE = (3, 32, 32)


def forget(*_args, **_options):
    raise AssertionError("nothing may be downloaded")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", forget)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_url", forget)


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(3)
    return timm.create_model("resnet18", num_classes=5).state_dict()


def written(weights, folder, suffix):
    path = folder / f"weights{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(weights, path)
    return str(path)


def test_resnet18_by_name():
    builder = BUILDERS["Timm"](name="resnet18")
    body = builder.build(SHAPE)
    assert body.width == 512
    assert body(torch.zeros(2, *SHAPE)).shape == (2, 512)
    assert builder.build((1, 32, 32))(torch.zeros(2, 1, 32, 32)).shape == (2, 512)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_come_from_a_file_without_the_classifier(suffix, trained, tmp_path):
    builder = BUILDERS["Timm"](name="resnet18", weights=written(trained, tmp_path, suffix))
    body = builder.build(SHAPE)
    for name, value in body.network.state_dict().items():
        assert torch.equal(value, trained[name]), name
    assert builder.bare().get_params() == {"name": "resnet18", "weights": None}


def test_grey_pictures_get_the_sum_of_the_colours_weights(trained, tmp_path):
    path = written(trained, tmp_path, ".safetensors")
    grey = BUILDERS["Timm"](name="resnet18", weights=path).build((1, 32, 32)).eval()
    colour = BUILDERS["Timm"](name="resnet18", weights=path).build(SHAPE).eval()
    x = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(grey(x), colour(x.repeat(1, 3, 1, 1)), rtol=1e-3, atol=1e-4)


def lacking(weights):
    return {name: value for name, value in weights.items() if name != "layer1.0.conv1.weight"}


def other_shape(weights):
    return weights | {"layer2.0.conv1.weight": torch.zeros(3, 64, 3, 3)}


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lacking, r"must hold resnet18; it lacks \['layer1.0.conv1.weight'\]"),
        (other_shape, r"its layer2.0.conv1.weight is of shape \(3, 64, 3, 3\), not \(128, 64,"),
    ],
)
def test_weights_of_another_network_are_refused(harm, message, trained, tmp_path):
    path = written(harm(trained), tmp_path, ".safetensors")
    with pytest.raises(DataError, match=message):
        BUILDERS["Timm"](weights=path).build(SHAPE)


class Dangerous:
    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.safetensors", b"no weights"),
        ("a.pth", b"no weights"),
        ("a.pth", b""),
        ("a.pth", [1, 2]),
        ("a.pth", {"x": Dangerous()}),
    ],
)
def test_files_that_hold_no_weights_are_refused(name, content, tmp_path, capsys):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(DataError, match=rf"{name} must hold weights"):
        BUILDERS["Timm"](weights=str(path)).build(SHAPE)
    assert "run" not in capsys.readouterr().out


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileError, match=r"none.pth must be a file of weights; it does not exist"):
        BUILDERS["Timm"](weights=str(tmp_path / "none.pth")).build(SHAPE)


def test_unknown_names_and_shapes_are_refused():
    with pytest.raises(ParameterError, match="must be a network of timm; got 'resnet19'"):
        BUILDERS["Timm"](name="resnet19").build(SHAPE)
    with pytest.raises(DataError, match=r"resnet18 must get rows of \(C, H, W\)"):
        BUILDERS["Timm"](name="resnet18").build((64,))


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.delitem(sys.modules, "fourfold.networks.timm", raising=False)
    with pytest.raises(MissingExtraError, match=r"timm is needed.*fourfold\[image\]"):
        BUILDERS["Timm"](name="resnet18")
    monkeypatch.undo()
    assert importlib.import_module("fourfold.networks.timm").Timm().name == "resnet18"
