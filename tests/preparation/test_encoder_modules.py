"""Encoders of every known kind are those of sentence-transformers; no setting runs code."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from fourfold.errors import ParameterError

pytest.importorskip("transformers")

from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel

from benchmarks.faults.hostile import encoder
from fourfold.preparation import encoder_modules, sentences

TEXTS = ["a good day", "so bad", "good", "a bad day so bad a day"]
SMALL = {
    "vocab_size": 7,
    "hidden_size": 8,
    "embedding_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 64,
    "head_dim": 4,
    "dim": 8,
    "hidden_dim": 8,
    "n_layers": 2,
    "n_heads": 2,
    "layer_types": ["full_attention", "full_attention"],
    **dict.fromkeys(["bos_token_id", "cls_token_id", "eos_token_id", "sep_token_id"], 1),
    "pad_token_id": 0,
}
NAMES = {
    "distilbert": {"dim", "hidden_dim", "n_layers", "n_heads", "vocab_size", "pad_token_id"}
    | {"max_position_embeddings"}
}
"""Settings of a network that has other names for them."""


@pytest.fixture
def folder(tmp_path):
    return encoder(tmp_path / "encoder")


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def vectors(folder):
    sentences.read_encoder.cache_clear()
    return sentences.encode_sentences(TEXTS, str(folder))


def theirs(folder):
    library = pytest.importorskip("sentence_transformers")
    found = library.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return found.encode(TEXTS, normalize_embeddings=True)


def test_every_architecture_is_one_of_transformers():
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    assert set(encoder_modules.ARCHITECTURES) <= set(MODEL_MAPPING_NAMES)


def replace_network(folder, kind):
    """Write a small network of another architecture, with weights that are not almost 0."""
    names = NAMES.get(kind, set(SMALL) - {"dim", "hidden_dim", "n_layers", "n_heads"})
    config = AutoConfig.for_model(kind, **{k: v for k, v in SMALL.items() if k in names})
    with torch.random.fork_rng():
        torch.manual_seed(1)
        weights = AutoModel.from_config(config).state_dict()
        drawn = {
            k: torch.randn_like(v) / 2 if v.is_floating_point() else v for k, v in weights.items()
        }
    save_file(drawn, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config.to_dict()))


@pytest.mark.parametrize(
    "kind", ["distilbert", "gemma3_text", "modernbert", "mpnet", "qwen3", "xlm-roberta"]
)
def test_networks_are_those_of_sentence_transformers(folder, kind):
    replace_network(folder, kind)
    np.testing.assert_allclose(vectors(folder), theirs(folder), atol=3e-6)


@pytest.mark.parametrize(
    "ways",
    ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken", ["max", "cls"]],
)
def test_every_pooling_is_that_of_sentence_transformers(folder, ways):
    replace_network(folder, "bert")
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"embedding_dimension": 8, "pooling_mode": ways})
    )
    np.testing.assert_allclose(vectors(folder), theirs(folder), atol=3e-6)


def test_old_names_of_poolings_mean_the_same(folder):
    replace_network(folder, "bert")
    old = {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}
    edit(folder / "1_Pooling" / "config.json", **old)
    np.testing.assert_allclose(vectors(folder), theirs(folder), atol=3e-6)


def dense(folder, **settings):
    """Put a Dense before the end."""
    place = folder / "2_Dense"
    place.mkdir()
    weights = {"linear.weight": torch.randn(5, 8), "linear.bias": torch.randn(5)}
    save_file(weights, place / "model.safetensors")
    about = {"in_features": 8, "out_features": 5, "bias": True} | settings
    (place / "config.json").write_text(json.dumps(about))
    modules = json.loads((folder / "modules.json").read_text())
    kind = "sentence_transformers.models.Dense"
    modules[2:] = [{"idx": 2, "name": "2", "path": "2_Dense", "type": kind}]
    (folder / "modules.json").write_text(json.dumps(modules))


@pytest.mark.parametrize("activation", ["activation.Tanh", "activation.ReLU", "linear.Identity"])
def test_dense_layers_are_those_of_sentence_transformers(folder, activation):
    dense(folder, activation_function=f"torch.nn.modules.{activation}")
    found = vectors(folder)
    assert found.shape == (4, 5)
    np.testing.assert_allclose(found, theirs(folder), atol=3e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"activation_function": "payload.Module"},
        {"activation_function": "os.system"},
        {"use_residual": True},
        {"module_input_name": "token_embeddings"},
    ],
)
def test_other_dense_layers_are_refused(folder, settings):
    dense(folder, **settings)
    with pytest.raises(ParameterError, match="must be of safetensors and JSON; got: "):
        vectors(folder)


@pytest.mark.parametrize(
    "settings",
    [
        {"_attn_implementation_internal": "somebody/kernel"},
        {"attn_implementation": "somebody/kernel"},
        {"_name_or_path": "somebody/model", "transformers_weights": "../../x.bin"},
        {"quantization_config": {"quant_method": "somebody"}, "torch_dtype": "float16"},
        {"architectures": ["payload.Module"]},
    ],
)
def test_settings_of_loading_change_nothing(folder, settings):
    before = vectors(folder)
    edit(folder / "config.json", **settings)
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "somebody/model"}')
    assert vectors(folder).tobytes() == before.tobytes()


def test_digests_tell_poolings_and_layers_apart(folder):
    def digest():
        vectors(folder)
        return sentences.load_encoder(str(folder)).digest

    digests = [digest()]
    edit(folder / "1_Pooling" / "config.json", pooling_mode="cls")
    digests.append(digest())
    dense(folder)
    digests.append(digest())
    assert len(set(digests)) == 3


def test_weights_may_lack_a_pooler_and_have_a_prefix(folder):
    before = vectors(folder)
    weights = load_file(folder / "model.safetensors")
    few = {f"bert.{k}": v.clone() for k, v in weights.items() if not k.startswith("pooler.")}
    save_file(few, folder / "model.safetensors")
    assert vectors(folder).tobytes() == before.tobytes()


def test_other_weights_than_the_settings_say_are_refused(folder):
    edit(folder / "config.json", vocab_size=10**12)  # no memory is taken for them
    with pytest.raises(ParameterError, match=r"other weights than its settings say: 'embeddings\."):
        vectors(folder)
    edit(folder / "config.json", vocab_size=7, num_hidden_layers=2)
    with pytest.raises(ParameterError, match=r"other weights than its settings say: 'encoder\."):
        vectors(folder)


def test_lower_case_and_prompts_are_those_of_sentence_transformers(folder):
    before = vectors(folder)
    (folder / "sentence_bert_config.json").write_text('{"do_lower_case": true}')
    sentences.read_encoder.cache_clear()
    loud = sentences.encode_sentences([text.upper() for text in TEXTS], str(folder))
    assert loud.tobytes() == before.tobytes()
    prompts = {"prompts": {"query": "so "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    np.testing.assert_allclose(vectors(folder), theirs(folder), atol=3e-6)


def test_the_random_state_of_the_caller_stays(folder):
    torch.manual_seed(5)
    vectors(folder)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert drawn.tolist() == torch.rand(3).tolist()
