"""A network of two towers as the source: pictures and names of classes as the library compares."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fourfold import ESZSL, Chance, Domain, LabelEmbedding, export, load, save
from fourfold.errors import BundleError, DataError, FileError, ParameterError
from fourfold.networks import Pretrained
from fourfold.networks.pretrained.loading import network_digest
from fourfold.networks.pretrained.pairs import _loaded
from small_networks import drawings, folder, tokens

transformers = pytest.importorskip("transformers", reason="transformers come with 'text'")

X, Y = drawings(60)
NAMES = ["left", "right", "fire_engine"]


def pair(**options):
    return Pretrained(name=f"hf:{folder('towers')}", **options)


def fitted(classes=NAMES, **options):
    return LabelEmbedding().fit(Domain(X, classes=classes), source=pair(**options))


def test_outputs_are_the_library_s_logits_per_image():
    model = fitted()
    assert model.classes_.tolist() == sorted(NAMES)
    texts = ["a photo of a fire engine.", "a photo of a left.", "a photo of a right."]
    library = transformers.CLIPModel.from_pretrained(folder("towers")).eval()
    with torch.no_grad():
        pixels = model.model_.body.prepare(torch.from_numpy(X))
        wanted = library(pixel_values=pixels, **tokens(texts)).logits_per_image.numpy()
    np.testing.assert_allclose(model.outputs(X), wanted, atol=1e-5)
    np.testing.assert_allclose(
        model.predict_proba(X), torch.from_numpy(wanted).softmax(1), atol=1e-5
    )


def test_it_tells_what_it_was_trained_to_tell_and_chance_does_not():
    target = Domain(X, classes=["left", "right"])
    assert LabelEmbedding().fit(target, source=pair()).score(X, Y) > 0.8
    assert 0.25 < Chance().fit(target, source=pair()).score(X, Y) < 0.75


def test_a_saved_model_is_the_model_and_takes_classes_that_come_later(tmp_path):
    model = fitted(["left", "right"])
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.outputs(X).tobytes() == model.outputs(X).tobytes()
    again.add_classes(["fire_engine"])
    np.testing.assert_array_equal(again.outputs(X), fitted().outputs(X))
    among = again.predict(X[:3], among={"a half": "right half", "b": "fire engine"})
    assert set(among) <= {"a half", "b"}
    assert export(model, tmp_path / "model.onnx") < 1e-4


def test_classes_that_come_later_are_read_by_the_same_weights_alone(tmp_path):
    place = shutil.copytree(folder("towers"), tmp_path / "towers")
    source = Pretrained(name=f"hf:{place}", prompt="{}")
    model = LabelEmbedding().fit(Domain(X, classes=["left", "right"]), source=source)
    weights = load_file(Path(place, "model.safetensors"))
    weights["text_projection.weight"] *= 2
    save_file(weights, Path(place, "model.safetensors"), {"format": "pt"})
    network_digest.cache_clear()
    _loaded.cache_clear()
    with pytest.raises(BundleError, match="must be the one that was the source"):
        model.add_classes(["half"])
    save(model, tmp_path / "model")
    shutil.rmtree(place)
    _loaded.cache_clear()
    with pytest.raises(FileError, match="must be the folder of a network; it is not there"):
        load(tmp_path / "model").add_classes(["half"])
    model.add_classes({"half": [1.0] * 24})  # vectors need no network
    assert "half" in model.classes_


def test_what_does_nothing_or_does_not_fit_is_refused():
    target = Domain(X, classes=NAMES)
    for options, name in (({"labels": "learned"}, "labels"), ({"alpha": 0.2}, "alpha")):
        with pytest.raises(ParameterError, match=f"{name} of LabelEmbedding must be left out"):
            LabelEmbedding(**options).fit(target, source=pair())
    with pytest.raises(DataError, match="classes must be named"):
        LabelEmbedding().fit(X, source=pair())
    with pytest.raises(ParameterError, match="or a network of two towers, such as CLIP; got a tr"):
        LabelEmbedding().fit(target, source=Pretrained(name=f"hf:{folder('vit')}"))
    with pytest.raises(ParameterError, match=r"must be data, Domain\(X, y\); got a trained model"):
        ESZSL().fit(target, source=pair())
    with pytest.raises(ParameterError, match="generalized must have the source's data"):
        LabelEmbedding(generalized=True).fit(target, source=pair())
