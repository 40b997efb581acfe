"""Networks of transformers: stages compute what the library does, and other folders are refused."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from fourfold.errors import DataError, FileError, ParameterError
from fourfold.frozen.fingerprint import fingerprint
from fourfold.networks import Pretrained, named
from fourfold.networks.builder import stages
from fourfold.networks.cut import cut
from small_networks import folder

transformers = pytest.importorskip("transformers", reason="transformers come with 'text'")

SHAPES = {
    "bert": (40,),
    "clip": (3, 32, 32),
    "vit": (3, 32, 32),
    "wav2vec2": (4000,),
    "whisper": (16, 100),
}
BLOCKS = {"bert": 3, "clip": 2, "vit": 2, "wav2vec2": 2, "whisper": 2}


def built(kind):
    return Pretrained(name=f"hf:{folder(kind)}").build(SHAPES[kind]).eval()


def drawn(kind):
    random = torch.Generator().manual_seed(1)
    if kind == "bert":
        ids = torch.randint(1, 15, (3, 9), generator=random, dtype=torch.int32)
        ids[1, 4:] = 0
        return ids
    return torch.randn(3, *SHAPES[kind], generator=random)


def by_the_library(kind, x):
    """Compute features as a user of transformers does."""
    place = folder(kind)
    if kind == "clip":
        return transformers.CLIPVisionModel.from_pretrained(place)(pixel_values=x).pooler_output
    model = transformers.AutoModel.from_pretrained(place).eval()
    if kind == "bert":
        mask = (x > 0).long()
        steps = model(input_ids=(x - 1).clamp(min=0).long(), attention_mask=mask)[0]
        return (steps * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
    if kind == "vit":
        return model(pixel_values=x)[0][:, 0]
    if kind == "wav2vec2":
        return model(input_values=x)[0].mean(1)
    return model.get_encoder()(input_features=x)[0].mean(1)


@pytest.mark.parametrize("kind", SHAPES)
def test_features_are_those_of_the_library(kind):
    x = drawn(kind)
    with torch.no_grad():
        torch.testing.assert_close(built(kind)(x), by_the_library(kind, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", SHAPES)
def test_its_stages_are_its_blocks_and_it_is_cut_at_any(kind):
    body, x = built(kind), drawn(kind)
    blocks = [name for name in stages(body) if name.startswith("block")]
    assert blocks == [f"block{i}" for i in range(1, BLOCKS[kind] + 1)]
    dtype = torch.int32 if kind == "bert" else torch.float32
    with torch.no_grad():
        for block in blocks:
            parts = cut(body, block, engine="torch", dtype=dtype)
            assert torch.equal(parts(x), body(x))


@pytest.mark.parametrize("kind", SHAPES)
def test_the_same_architecture_is_rebuilt_without_files(kind, monkeypatch):
    body = built(kind)
    builder = Pretrained(name=f"hf:{folder(kind)}")
    bare = builder.bare()

    def forget(*_args, **_options):
        raise AssertionError("no file may be read")

    monkeypatch.setattr("fourfold.networks.pretrained.loading.find_network", forget)
    fresh = bare.build(SHAPES[kind])
    assert fingerprint(fresh) != fingerprint(body)
    fresh.load_state_dict(body.state_dict())
    with torch.no_grad():
        assert torch.equal(fresh.eval()(drawn(kind)), body(drawn(kind)))


def test_weights_none_said_out_loud_are_random():
    place = folder("bert")
    trained, again = (Pretrained(name=f"hf:{place}").build((40,)) for _ in range(2))
    random = Pretrained(name=f"hf:{place}", weights=None).build((40,))
    assert fingerprint(trained) == fingerprint(again) != fingerprint(random)
    assert not Pretrained(name=f"hf:{place}", weights=None).trained


def test_a_sentence_encoder_gives_its_own_vectors():
    encoders = pytest.importorskip("sentence_transformers")
    from fourfold import SentenceEncoding
    from fourfold.data.rows import TextRows
    from fourfold.frozen.blocks import in_blocks
    from fourfold.preparation.pretrained.tokens import Tokens

    name, texts = f"st:{folder('sentences')}", ["good film", "a very bad plot and a poor song"]
    rows = TextRows(texts)
    body = Pretrained(name=name).build((40,))
    vectors = in_blocks(body, Tokens(network=name, max_tokens=40).fit(rows).transform(rows))
    del encoders
    own = SentenceEncoding(model=folder("sentences")).fit(rows).transform(rows)
    np.testing.assert_allclose(vectors, own.take(np.arange(2)), atol=1e-6)


def changed(kind, tmp_path, **settings):
    place = tmp_path / kind
    shutil.copytree(folder(kind), place)
    about = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps(about | settings))
    return place


def test_the_hash_of_a_network_covers_all_files_of_its_weights(tmp_path):
    from fourfold.networks.pretrained.loading import network_digest

    for i in range(4):
        (tmp_path / f"model-{i}.safetensors").write_bytes(bytes([i]))
    (tmp_path / "config.json").write_text("{}")
    before = network_digest(f"hf:{tmp_path}")
    assert len(before) == 32
    network_digest.cache_clear()
    (tmp_path / "model-3.safetensors").write_bytes(b"other")
    assert network_digest(f"hf:{tmp_path}") != before


def test_weights_of_another_network_are_refused(tmp_path):
    place = changed("bert", tmp_path, num_hidden_layers=4)
    with pytest.raises(DataError, match="must hold the weights of its own network; it lacks"):
        Pretrained(name=f"hf:{place}").build((40,))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"auto_map": {"AutoModel": "code.Model"}}, "it needs code of its own"),
        ({"model_type": "mamba"}, "must be a network of a known kind.*got 'mamba'"),
    ],
)
def test_foreign_networks_are_refused(settings, message, tmp_path):
    place = changed("bert", tmp_path, **settings)
    with pytest.raises(ParameterError, match=message):
        Pretrained(name=f"hf:{place}").build((40,))


def test_a_folder_without_config_and_a_name_without_network(tmp_path):
    with pytest.raises(ParameterError, match=r"no config\.json"):
        Pretrained(name=f"hf:{tmp_path}").build((40,))
    with pytest.raises(FileError, match=r"must be the folder of a network; it is not there"):
        Pretrained(name="hf:./nowhere").build((40,))
    with pytest.raises(FileError, match=r"run 'hf download nobody/nothing --local-dir FOLDER'"):
        Pretrained(name="hf:nobody/nothing").build((40,))


def test_rows_of_another_kind_are_refused():
    with pytest.raises(DataError, match="must get pictures; got rows of shape"):
        Pretrained(name=f"hf:{folder('vit')}").build((40,))
    with pytest.raises(ParameterError, match="name of Pretrained must be 'timm:NAME'"):
        named("hf:")
    with pytest.raises(ParameterError, match="weights of Pretrained must be 'trained' or None"):
        Pretrained(name="hf:x", weights="file").check()


def test_settings_that_are_no_json_and_a_packaged_name_with_a_typo(tmp_path):
    for text in ("{", "[1]"):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(DataError, match=r"must hold settings .* in config\.json; got"):
            Pretrained(name=f"hf:{tmp_path}").build((40,))
    with pytest.raises(FileError, match=r"within reach \(near it: st:english\)"):
        Pretrained(name="st:englsh").build((40,))
