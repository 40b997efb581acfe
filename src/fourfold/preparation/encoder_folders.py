"""Folders of sentence encoders: the user's, and those of the Hugging Face cache."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from huggingface_hub import snapshot_download, try_to_load_from_cache

from fourfold.errors import FileError
from fourfold.preparation.pretrained.folders import find_network

__all__ = ["find_encoder"]

FILES: Final = [
    *("modules.json", "config.json", "model.safetensors", "sentence_bert_config.json"),
    *("config_sentence_transformers.json", "tokenizer.json", "tokenizer_config.json"),
    *("[0-9]*_*/config.json", "[0-9]*_*/model.safetensors"),
]
"""Files of an encoder that are read."""


def find_encoder(model: str, *, download: bool = False) -> Path:
    """Return the folder of a sentence encoder, by its name or as it is given.

    Parameters
    ----------
    model
        A folder, the name of an encoder in the Hugging Face cache, or ``"english"`` for that of the
        extra ``english``.
    download
        Whether one that is not there is downloaded; else nobody is contacted.

    Raises
    ------
    FileError
        If it is not here, or cannot be downloaded.
    """
    if model == "english":
        return find_network(model)
    name = model if "/" in model else f"sentence-transformers/{model}"
    try:
        if Path(model).is_dir():
            return Path(model)
        here = try_to_load_from_cache(name, "modules.json")
        weights = try_to_load_from_cache(name, "model.safetensors")
        if isinstance(here, str) and isinstance(weights, str):
            return Path(here).parent
        if download:
            return Path(snapshot_download(name, allow_patterns=FILES))
    except (OSError, ValueError) as error:
        why = f"{(str(error).strip() or type(error).__name__).splitlines()[0]:.80}"
        raise FileError(f"{_wanted(model)} or can be downloaded; got: {why}") from error
    raise FileError(f"{_wanted(model)}; it is neither, and only a fit downloads one")


def _wanted(model: str) -> str:
    return (
        f"the sentence encoder {model!r:.80} must be a folder that holds one, or the name of one "
        "that is in the Hugging Face cache"
    )
