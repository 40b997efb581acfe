"""Low-rank adapters: they alone are trained and saved, beside the hash of their network."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fourfold import FineTune, Recipe, export, load, save
from fourfold.errors import BundleError
from fourfold.networks import Pretrained
from small_networks import folder, opinions

pytest.importorskip("peft", reason="peft comes with the extra 'lora'")

X, Y = opinions(12)
RECIPE = Recipe(steps=3, batch_size=6, learning_rate=1e-2)


def test_an_adapter_is_trained_saved_and_loaded_alone(tmp_path):
    place = tmp_path / "bert"
    shutil.copytree(folder("bert"), place)
    network = Pretrained(name=f"hf:{place}", adapter="lora", max_tokens=40)
    model = FineTune(recipe=RECIPE).fit(X, Y, source=network)
    start = network.build((40,)).state_dict()
    moved = {
        name
        for name, value in model.model_.body.state_dict().items()
        if not torch.equal(value, start[name])
    }
    assert moved
    assert all("lora_" in name for name in moved)

    save(model, tmp_path / "model")
    weights = load_file(tmp_path / "model" / "weights.safetensors")
    assert all("lora_" in name or name.startswith("head.") for name in weights)
    again = load(tmp_path / "model")
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert export(again, tmp_path / "model.onnx") < 1e-4

    below = load_file(place / "model.safetensors")
    save_file({name: value + 1 for name, value in below.items()}, place / "model.safetensors")
    from fourfold.networks.pretrained import loading

    loading.network_digest.cache_clear()
    with pytest.raises(BundleError, match="must be the one below the adapter that was saved"):
        load(tmp_path / "model")
    shutil.rmtree(place)
    with pytest.raises(BundleError, match="a saved adapter needs its network"):
        load(tmp_path / "model")


def test_adapters_of_several_fits_share_the_weights_below():
    network = Pretrained(name=f"hf:{folder('bert')}", adapter="lora", max_tokens=48)
    one, other = (dict(network.build((48,)).named_parameters()) for _ in range(2))
    below = [name for name in one if "lora_" not in name]
    assert below
    assert all(one[name].data_ptr() == other[name].data_ptr() for name in below)
    assert not any(one[name].requires_grad for name in below)
    full = Pretrained(name=f"hf:{folder('bert')}", max_tokens=48)
    alone = [dict(full.build((48,)).named_parameters()) for _ in range(2)]
    assert all(part.requires_grad for part in alone[0].values())
    assert all(a.data_ptr() != b.data_ptr() for a, b in zip(*map(dict.values, alone), strict=True))
