"""Networks of timm: a name promises weights, and other spellings of these are read."""

from __future__ import annotations

import sys

import pytest
import torch
from safetensors.torch import save_file

from fourfold.errors import DataError, FileError, MissingExtraError, ParameterError
from fourfold.networks import Pretrained, named
from fourfold.networks.builder import stages

timm = pytest.importorskip("timm", reason="timm comes with the extra 'image'")

SHAPE = (3, 32, 32)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def forget(*_args, **_options):
        raise OSError("no network")

    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", forget)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_url", forget)


def lite(weights):
    """Write weights of timm's EfficientNet-Lite as its first author spells them."""
    spelt, block = {}, -1
    before = None
    for name, value in weights.items():
        parts = name.split(".")
        if parts[0] != "blocks":
            first = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head"}
            spelt[".".join([first.get(parts[0], "_bn1"), *parts[1:]])] = value
            continue
        block, before = block + (parts[1:3] != before), parts[1:3]
        expands = f"blocks.{parts[1]}.{parts[2]}.conv_pwl.weight" in weights
        wide = {
            "conv_pw": "_expand_conv",
            "conv_dw": "_depthwise_conv",
            "conv_pwl": "_project_conv",
        }
        if expands:
            wide |= {"bn1": "_bn0", "bn2": "_bn1", "bn3": "_bn2"}
        else:
            wide |= {"conv_pw": "_project_conv", "bn1": "_bn1", "bn2": "_bn2"}
        spelt[f"_blocks.{block}.{wide[parts[3]]}.{parts[4]}"] = value
    return spelt


def test_weights_under_the_names_of_another_author(tmp_path):
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_lite0", num_classes=0)
    path = tmp_path / "lite.safetensors"
    save_file({**lite(network.state_dict()), "_fc.weight": torch.zeros(2, 1280)}, path)
    body = Pretrained(name="timm:tf_efficientnet_lite0", weights=str(path)).build(SHAPE)
    for name, value in body.network.state_dict().items():
        assert torch.equal(value, network.state_dict()[name]), name
    assert [n for n in stages(body) if "blocks" in n] == [f"network.blocks.{i}" for i in range(7)]


def test_a_name_never_trains_random_weights():
    with pytest.raises(FileError, match=r"of timm/resnet18.a1_in1k elsewhere and bring it"):
        named("timm:resnet18").build(SHAPE)
    assert Pretrained(name="timm:resnet18", weights=None).build(SHAPE).width == 512


def test_names_and_tags_with_a_typo_are_answered_by_near_ones():
    with pytest.raises(ParameterError, match=r"got 'timm:resnet81'; near it: resnet18"):
        named("timm:resnet81").build(SHAPE)
    with pytest.raises(ParameterError, match=r"weights of this tag; timm has resnet18.a1_in1k"):
        named("timm:resnet18.a9").build(SHAPE)


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    weights = timm.create_model("resnet18", num_classes=0).state_dict()
    save_file(weights, path)
    with pytest.raises(DataError, match=r"must hold resnet34; it lacks layer1.2.conv1.weight"):
        Pretrained(name="timm:resnet34", weights=str(path)).build(SHAPE)
    other = tmp_path / "shapes.safetensors"
    save_file(weights | {"layer2.0.conv1.weight": torch.zeros(3, 64, 3, 3)}, other)
    with pytest.raises(DataError, match=r"conv1.weight is of shape \(3, 64, 3, 3\), not \(128,"):
        Pretrained(name="timm:resnet18", weights=str(other)).build(SHAPE)


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
        Pretrained(name="timm:resnet18", weights=str(path)).build(SHAPE)
    assert "run" not in capsys.readouterr().out


def test_a_missing_file_and_one_that_is_none_are_named(tmp_path):
    with pytest.raises(FileError, match=r"none.pth must be a file of weights; it does not exist"):
        Pretrained(name="timm:resnet18", weights=str(tmp_path / "none.pth")).build(SHAPE)
    with pytest.raises(FileError, match="must be a file of weights; it is no regular file"):
        Pretrained(name="timm:resnet18", weights=str(tmp_path)).build(SHAPE)
    with pytest.raises(DataError, match="must get pictures; got rows of shape"):
        Pretrained(name="timm:resnet18", weights=None).build((64,))


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.delitem(sys.modules, "fourfold.networks.pretrained.pictures", raising=False)
    with pytest.raises(MissingExtraError, match=r"timm is needed.*fourfold\[image\]"):
        Pretrained(name="timm:resnet18").build(SHAPE)
