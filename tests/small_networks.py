"""Small networks of transformers from their settings, saved as folders."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
import torch

WORDS = [
    "good",
    "great",
    "fine",
    "bad",
    "poor",
    "awful",
    "film",
    "book",
    "song",
    "plot",
    "the",
    "a",
    "was",
    "is",
    "of",
    "and",
    "very",
]
SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}


@cache
def folder(kind: str) -> str:
    """Return the folder of a small network, of a kind of MAKERS."""
    pytest.importorskip("transformers")
    from transformers.utils import logging

    logging.disable_progress_bar()
    place = Path(mkdtemp(prefix="fourfold-networks-"), kind)
    torch.manual_seed(0)
    MAKERS[kind](place)
    return str(place)


def _bert(place: Path) -> None:
    import transformers as hf
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    known = {word: i for i, word in enumerate(["[UNK]", *WORDS])}
    config = hf.BertConfig(
        vocab_size=len(known), num_hidden_layers=3, max_position_embeddings=64, **SIZES
    )
    hf.BertModel(config, add_pooling_layer=False).save_pretrained(place)
    tokenizer = Tokenizer(WordLevel(known, unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(place / "tokenizer.json"))


def _sentences(place: Path) -> None:
    _bert(place)
    kinds = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(kinds.items())
    ]
    (place / "modules.json").write_text(json.dumps(modules))
    (place / "1_Pooling").mkdir()
    (place / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')


def _clip(place: Path) -> None:
    import transformers as hf

    text = {"num_hidden_layers": 2, "vocab_size": 50, "bos_token_id": 0, "eos_token_id": 1, **SIZES}
    vision = {"num_hidden_layers": 2, "image_size": 32, "patch_size": 8, **SIZES}
    hf.CLIPModel(hf.CLIPConfig(text_config=text, vision_config=vision)).save_pretrained(place)
    _processor(place, {"shortest_edge": 32}, {"height": 32, "width": 32}, "CLIPImageProcessor")


def _towers(place: Path) -> None:
    """Save a CLIP with a tokenizer, trained to tell left drawings from right ones."""
    import transformers as hf

    sizes = {"num_hidden_layers": 2, "initializer_factor": 4.0, **SIZES}
    text = {"vocab_size": 50, "bos_token_id": 0, "eos_token_id": 1, **sizes}
    vision = {"image_size": 32, "patch_size": 8, **sizes}
    config = hf.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    model, tokenizer = hf.CLIPModel(config), _prompts()
    read = [tokenizer.encode(f"a photo of a {side}.").ids for side in ("left", "right")]
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for step in range(60):
        drawn, y = drawings(32, seed=100 + step)
        x = torch.from_numpy(drawn).float().movedim(-1, 1) / 63.75 - 2
        x = torch.nn.functional.interpolate(x, (32, 32), mode="bicubic", antialias=True)
        logits = model(pixel_values=x, input_ids=torch.tensor(read)).logits_per_image
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy((y == "right") * 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(place)
    tokenizer.save(str(place / "tokenizer.json"))
    _processor(place, {"shortest_edge": 32}, {"height": 32, "width": 32}, "CLIPImageProcessor")


def _prompts() -> Any:
    """Make a tokenizer of words between marks of begin and end, as CLIP's does."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    marks = ["<|startoftext|>", "<|endoftext|>"]
    words = [*marks, "[UNK]", "a", "photo", "of", ".", "left", "right", "half", "fire", "engine"]
    known = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{marks[0]} $A {marks[1]}", special_tokens=list(zip(marks, (0, 1), strict=True))
    )
    return tokenizer


def tokens(texts: list[str]) -> Any:
    """Tokenize texts for the small pair of towers as users of transformers do."""
    import transformers as hf

    file, unknown = f"{folder('towers')}/tokenizer.json", "[UNK]"
    read = hf.PreTrainedTokenizerFast(tokenizer_file=file, pad_token=unknown)(
        texts, padding=True, return_tensors="pt"
    )
    return {name: read[name] for name in ("input_ids", "attention_mask")}


def _vit(place: Path) -> None:
    import transformers as hf

    config = hf.ViTConfig(num_hidden_layers=2, image_size=32, patch_size=8, **SIZES)
    hf.ViTModel(config, add_pooling_layer=False).save_pretrained(place)
    _processor(place, {"height": 32, "width": 32}, None, "ViTImageProcessor")


def _processor(place: Path, size: Any, crop: Any, kind: str) -> None:
    about = {"image_processor_type": kind, "size": size, "do_center_crop": crop is not None}
    about |= {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "do_resize": True, "resample": 3}
    about |= {} if crop is None else {"crop_size": crop}
    (place / "preprocessor_config.json").write_text(json.dumps(about))


def _wav2vec2(place: Path) -> None:
    import transformers as hf

    config = hf.Wav2Vec2Config(
        num_hidden_layers=2,
        conv_dim=(16, 16, 16),
        conv_stride=(5, 4, 4),
        conv_kernel=(10, 8, 4),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        **SIZES,
    )
    hf.Wav2Vec2Model(config).save_pretrained(place)
    hf.Wav2Vec2FeatureExtractor().save_pretrained(place)


def _whisper(place: Path) -> None:
    import transformers as hf

    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    config = hf.WhisperConfig(
        d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, num_mel_bins=16,
        max_source_positions=50, vocab_size=50, suppress_tokens=None, begin_suppress_tokens=None,
        **ids,
    )  # fmt: skip
    hf.WhisperModel(config).save_pretrained(place)
    hf.WhisperFeatureExtractor(feature_size=16, chunk_length=1).save_pretrained(place)


MAKERS = {
    "bert": _bert,
    "sentences": _sentences,
    "clip": _clip,
    "towers": _towers,
    "vit": _vit,
    "wav2vec2": _wav2vec2,
    "whisper": _whisper,
}


def opinions(n: int, seed: int = 0) -> tuple[list[str], Any]:
    """Write short texts with an opinion, good or bad."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    texts = []
    for label in y:
        words = [WORDS[rng.integers(0, 3) + 3 * (1 - label)], *rng.choice(WORDS[6:], 2 + n % 3)]
        texts.append(
            " ".join(rng.permutation([*words, *rng.choice(WORDS[6:], rng.integers(1, 30))]))
        )
    return texts, np.where(y == 1, "good", "bad")


def drawings(n: int, seed: int = 0) -> tuple[Any, Any]:
    """Draw pictures (n, 24, 24, 3) with a bright left or right half."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 120, (n, 24, 24, 3)).astype(np.uint8), np.arange(n) % 2
    for picture, side in zip(x, y, strict=True):
        picture[:, 12 * side : 12 * side + 12] += 120
    return x, np.where(y == 1, "right", "left")
