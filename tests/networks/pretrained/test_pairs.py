"""Pairs of towers: texts have the vectors that the library gives, and others are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from fourfold.errors import DataError, ParameterError
from fourfold.networks import Mlp, Pretrained
from small_networks import folder, tokens

transformers = pytest.importorskip("transformers", reason="transformers come with 'text'")

TEXTS = ["a photo of a left.", "right", "a fire engine of half a photo of a left half."]


def test_vectors_of_texts_are_the_library_s():
    towers = Pretrained(name=f"hf:{folder('towers')}").towers()
    model = transformers.CLIPModel.from_pretrained(folder("towers")).eval()
    with torch.no_grad():
        wanted = model.get_text_features(**tokens(TEXTS)).pooler_output
    found = towers.embed(TEXTS)
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)
    assert torch.equal(towers.projection, model.visual_projection.weight)
    assert towers.scale == pytest.approx(float(model.logit_scale.detach().exp()))
    for text, vector in zip(TEXTS, found, strict=True):  # no bit depends on other texts
        assert towers.embed([text])[0].tobytes() == vector.tobytes()
    assert towers.count_truncated(["left " * 75, "left " * 76]) == 1


def test_what_is_no_pair_is_refused(tmp_path):
    for network in (
        Pretrained(name=f"hf:{folder('vit')}"),
        Pretrained(name=f"hf:{folder('towers')}", adapter="lora"),
        Pretrained(name=f"hf:{folder('towers')}", weights=None),
        Pretrained(name="timm:resnet18"),
        Mlp(),
    ):
        assert not network.paired
        with pytest.raises(ParameterError, match="must be one of two towers"):
            network.towers()
    shutil.copytree(folder("towers"), tmp_path / "towers")
    Path(tmp_path, "towers", "tokenizer.json").unlink()
    with pytest.raises(DataError, match="must hold a tokenizer"):
        Pretrained(name=f"hf:{tmp_path / 'towers'}").towers()


@pytest.mark.parametrize(("prompt", "got"), [("a photo", "'a photo'"), (("a {}", "b"), "'b'")])
def test_a_prompt_must_hold_a_place_for_the_name(prompt, got):
    with pytest.raises(ParameterError, match=rf"prompt .* must hold {{}} .*; got {got}"):
        Pretrained(name="hf:x", prompt=prompt).check()
    with pytest.raises(ParameterError, match=r"prompt .*; got 'none'"):
        Pretrained(name="hf:x", prompt=()).check()
