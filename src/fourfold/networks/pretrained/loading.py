"""Loading of networks of transformers: their weights by the library, their stages by ours."""

from __future__ import annotations

import copy
import json
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, final

import torch
from torch import Tensor, nn
from xxhash import xxh3_128_hexdigest

from fourfold.core.digests import file_digest
from fourfold.core.process import seeded
from fourfold.errors import DataError, FourfoldError, ParameterError, summary
from fourfold.networks.builder import Body
from fourfold.networks.pretrained.architecture import KINDS, Architecture, Pool, bare
from fourfold.networks.pretrained.opened import Encoder, opened
from fourfold.preparation.encoder_modules import read_network
from fourfold.preparation.pretrained.folders import find_network

try:
    import transformers
    from transformers import AutoConfig
except ImportError as error:
    from fourfold.errors import MissingExtraError

    raise MissingExtraError("transformers", "text") from error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "Loaded",
    "known_architecture",
    "load_network",
    "network_digest",
    "read_tower",
    "settings_of",
]

TOWERS: Final = {
    ("clip", "pixel_values"): "CLIPVisionModel",
    ("clip", "input_ids"): "CLIPTextModel",
    ("clip_vision_model", "pixel_values"): "CLIPVisionModel",
    ("clip_text_model", "input_ids"): "CLIPTextModel",
    ("siglip", "pixel_values"): "SiglipVisionModel",
    ("siglip_vision_model", "pixel_values"): "SiglipVisionModel",
}
"""Model type and input → the class of the tower that reads it."""
NEEDLESS: Final = ("pooler.", "head.", "decoder.")
"""Weights behind the last steps, which nothing here reads, so that they may be missing."""


@final
class Loaded(NamedTuple):
    """A network with its weights as a body, and the builder of the same with random ones."""

    body: Body
    architecture: Architecture


def load_network(name: str, shape: tuple[int, ...], *, shared: bool = False) -> Loaded:
    """Load a network, ``hf:...`` or ``st:...``, for prepared rows of a shape; a copy each time.

    Shared ones have the same weights in memory, for networks that do not train these.

    Raises
    ------
    FileError
        If it is nowhere.
    DataError, ParameterError
        If its folder holds something else, or it does not read such rows.
    """
    body, architecture = _loaded(find_network(name), name, shape)
    return Loaded(_on_same_weights(body) if shared else copy.deepcopy(body), architecture)


M = TypeVar("M", bound=nn.Module)


def _on_same_weights(module: M) -> M:
    """Copy a module, but not the memory of its weights."""
    same = {id(p): nn.Parameter(p.detach(), p.requires_grad) for p in module.parameters()}
    return copy.deepcopy(module, same)


def known_architecture(name: str) -> Architecture:
    """Return the builder of a network that this process has loaded, with random weights."""
    return _architectures[name]


_architectures: dict[str, Architecture] = {}
"""Name → architecture of the networks that were loaded, for saving models of these."""


def settings_of(name: str) -> dict[str, Any]:
    """Read the settings of a network's folder.

    Raises
    ------
    ParameterError
        If it holds none, or they need code of their own.
    DataError
        If they cannot be read.
    """
    path = find_network(name) / "config.json"
    if not path.exists():
        raise ParameterError(f"{name:.80} must hold a network of transformers: no config.json")
    try:
        settings: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DataError(
            f"{name:.80} must hold settings as JSON in {path.name}; got {error}"
        ) from error
    if not isinstance(settings, dict):
        raise DataError(f"{name:.80} must hold settings by name in {path.name}; got others")
    if "auto_map" in settings:
        raise ParameterError(
            f"{name:.80} must be a known network of transformers; it needs code of its own"
        )
    return settings


@lru_cache(maxsize=16)
def network_digest(name: str) -> str:
    """Return the hash of all of a network's files of weights: 32 hex digits."""
    folder = find_network(name)
    found = sorted([*folder.glob("*.safetensors"), *folder.glob("*/*.safetensors")])
    files = [file for file in found or sorted(folder.glob("*.bin")) if file.is_file()]
    return xxh3_128_hexdigest(" ".join(map(file_digest, files)).encode())


@lru_cache(maxsize=2)
def _loaded(folder: Path, name: str, shape: tuple[int, ...]) -> Loaded:
    try:
        with seeded(0):
            loaded = _read(folder, name, shape)
            _architectures[name] = loaded.architecture
            return loaded
    except FourfoldError:
        raise
    except Exception as error:  # damaged or foreign files make libraries raise anything
        raise DataError(
            f"{name:.80} must be a whole network of transformers; got {summary(error, 100)}"
        ) from error


def _read(folder: Path, name: str, shape: tuple[int, ...]) -> Loaded:
    argument = _argument(settings_of(name), name, shape)
    if (folder / "modules.json").exists() and argument == "input_ids":
        model, head, layers = _read_sentences(folder)
    else:
        model, head, layers = read_tower(folder, name, argument), ("Pooling mean",), []
    kind = str(model.config.model_type)
    config = {**model.config.to_dict(), "model_type": kind}
    whole: Any = _on_same_weights(model).eval()
    encoder = Encoder(bare(model), argument)
    head = _with_class_token(encoder.model, head, argument)
    pool = Pool(head)
    for own, other in zip(pool.layers, layers, strict=True):
        own.load_state_dict({k.replace("linear", "0"): v for k, v in other.state_dict().items()})

    def wanted(x: Tensor) -> Tensor:
        if kind in {"clip_vision_model", "clip_text_model"} and argument == "pixel_values":
            found: Tensor = whole(pixel_values=x).pooler_output
            return found
        features: Tensor = pool(Encoder(bare(whole), argument)(x))
        return features

    probe = _probe(argument, shape, config.get("vocab_size") or 1)
    found = opened(encoder, pool.eval(), wanted, probe)
    with torch.no_grad():
        stages = {**found.stages, "pool": pool}
        width = nn.Sequential(*stages.values()).eval()(probe).shape[1]
    text = json.dumps(config, sort_keys=True, default=str)
    architecture = Architecture(config=text, head=head, anatomy=found.anatomy.write())
    return Loaded(Body(stages, int(width)), architecture)


def _argument(settings: dict[str, Any], name: str, shape: tuple[int, ...]) -> str:
    """Return the input of the network that reads prepared rows of a shape."""
    kind = str(settings.get("model_type"))
    argument = KINDS.get(kind)
    if kind in {"clip", "siglip"}:
        argument = "pixel_values" if len(shape) == 3 else "input_ids"
    if argument is None:
        raise ParameterError(
            f"{name:.80} must be a network of a known kind, such as bert, vit, clip or wav2vec2; "
            f"got {kind!r:.40}"
        )
    axes = {"pixel_values": 3, "input_ids": 1, "input_values": 1, "input_features": 2}[argument]
    if len(shape) != axes:
        reads = {3: "pictures", 2: "sounds", 1: "texts or waves"}[axes]
        raise DataError(f"{name:.80} must get {reads}; got rows of shape {shape}")
    return argument


def _read_sentences(folder: Path) -> tuple[Any, tuple[str, ...], list[nn.Module]]:
    """Read a sentence encoder: its network, and the titles and modules above it."""
    network = read_network(folder)
    transformer, pooling, *layers = network
    first: Any = transformer
    first.model.set_attn_implementation("sdpa")
    ways: Any = pooling
    return first.model, (f"Pooling {' '.join(ways.ways)}", *map(_titled, layers)), layers


def _titled(layer: Any) -> str:
    weights = layer.state_dict()
    if not weights:
        return "Normalize"
    outer, inner = weights["linear.weight"].shape
    bias = " bias" if "linear.bias" in weights else ""
    return f"Dense {type(layer.activation).__name__} {inner} {outer}{bias}"


def read_tower(folder: Path, name: str, argument: str) -> Any:
    """Load the network, or the tower of a pair, that takes the argument; no code of it runs.

    With ``"pair"`` that is both towers.

    Raises
    ------
    DataError
        If the folder lacks weights of it.
    """
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    tower = TOWERS.get((config.model_type, argument), "AutoModel")
    made: Any = getattr(transformers, tower)
    with _quiet():
        model, about = made.from_pretrained(
            folder,
            output_loading_info=True,
            dtype=torch.float32,
            attn_implementation="sdpa" if argument != "pixel_values" else None,
            local_files_only=True,
            trust_remote_code=False,
        )
    wrong = [
        key if isinstance(key, str) else key[0]
        for part in ("missing_keys", "mismatched_keys")
        for key in about[part]
    ]
    lacking = [key for key in wrong if not key.startswith(NEEDLESS)]
    if lacking:
        raise DataError(
            f"{name:.80} must hold the weights of its own network; it lacks {lacking[0]!r:.60}"
        )
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the library's report on weights, which are checked here, and its bars."""
    from transformers.utils import logging

    control: Any = logging
    level, shown = control.get_verbosity(), control.is_progress_bar_enabled()
    control.set_verbosity_error()
    control.disable_progress_bar()
    try:
        yield
    finally:
        control.set_verbosity(level)
        if shown:
            control.enable_progress_bar()


def _with_class_token(model: nn.Module, head: tuple[str, ...], argument: str) -> tuple[str, ...]:
    """Pool by the class token where a network of pictures has one."""
    if argument != "pixel_values":
        return head
    names = [key for key, _ in model.named_parameters()]
    tokens = any("cls_token" in key or "class_embedding" in key for key in names)
    return ("Pooling cls",) if tokens else head


def _probe(argument: str, shape: tuple[int, ...], words: int) -> Tensor:
    """Draw two rows, of tokens the second with padding."""
    drawn = torch.Generator().manual_seed(0)
    if argument == "input_ids":
        ids = torch.randint(1, words + 1, (2, min(12, shape[0])), generator=drawn).int()
        ids[1, ids.shape[1] // 2 :] = 0
        return ids
    if argument == "input_values":
        return torch.randn(2, min(shape[0], 8000), generator=drawn)
    return torch.randn(2, *shape, generator=drawn)
