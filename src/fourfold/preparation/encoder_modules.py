"""Modules of sentence encoders: the few kinds that are built, from safetensors and JSON alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import AutoConfig, AutoModel

from fourfold.core.inside import inside, read_json
from fourfold.core.process import seeded
from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ARCHITECTURES", "Pooling", "SentenceNetwork", "read_network"]

ARCHITECTURES: Final = (
    *("albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra"),
    *("gemma3_text", "modernbert", "mpnet", "qwen3", "roberta", "xlm-roberta"),
)
"""Networks of transformers that read text alone, and whose settings name no code and no files."""
IGNORED: Final = frozenset(
    {"architectures", "attn_implementation", "dtype", "experts_implementation", "fusion_config"}
    | {"model_type", "quantization_config", "torch_dtype", "transformers_weights", "use_cache"}
)
"""Settings of a network that only say how transformers loads it."""
ORDER: Final = (("Transformer",), ("Pooling",), ("Dense", "Normalize"))
"""Kinds of modules in order; the last ones may repeat."""
POOLINGS: Final = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Old name → name of each way to make one vector of a text's tokens."""
ACTIVATIONS: Final = {kind.__name__: kind for kind in (nn.GELU, nn.Identity, nn.ReLU, nn.Tanh)}


def read_network(folder: Path) -> SentenceNetwork:
    """Build the network that ``modules.json`` describes: a Transformer, a Pooling, then others.

    Types are names in a table: nothing is imported by them.

    Raises
    ------
    ParameterError
        If a module is of another type or architecture, needs code of its own, or lacks weights.
    BundleError
        If a file is named that is not inside the folder.
    OSError
        If a file is missing.
    """
    parts: list[nn.Module] = []
    titles: list[str] = []
    for about in read_json(inside(folder, "modules.json")):
        package, _, kind = str(about["type"]).rpartition(".")
        place = str(about["path"])
        known = package.startswith("sentence_transformers.")
        if not known or kind not in ORDER[min(len(parts), 2)]:
            raise ParameterError(f"{about['type']!r:.40}, where a module must be a known one")
        part, title = READERS[kind](folder, f"{place}/" if place else "")
        parts.append(part)
        titles.append(title)
    return SentenceNetwork(parts, titles)


@final
class SentenceNetwork(nn.ModuleList):
    """A sentence encoder: numbers of tokens and their mask, (B, n) each, to vectors (B, d).

    ``titles`` are the kinds of its parts, ``longest`` is the largest n, or 0 if any is.
    """

    def __init__(self, parts: list[nn.Module], titles: list[str]) -> None:
        super().__init__(parts)
        self.titles = titles
        transformer: Any = parts[0]
        self.longest = int(transformer.model.config.max_position_embeddings)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        transformer, pooling, *others = self
        found: Tensor = pooling(transformer(ids, mask), mask)
        for part in others:
            found = part(found)
        return found


@final
class _Transformer(nn.Module):
    """A network of transformers: tokens (B, n) to vectors of tokens (B, n, d)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        found: Tensor = self.model(
            input_ids=ids, attention_mask=mask, return_dict=True
        ).last_hidden_state
        return found


@final
class Pooling(nn.Module):
    """One vector of a text's tokens, in one or several ways: (B, n, d) to (B, ways · d)."""

    def __init__(self, ways: tuple[str, ...]) -> None:
        super().__init__()
        self.ways = ways

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        return torch.cat([_pooled(way, words, mask) for way in self.ways], dim=-1)


def _pooled(way: str, words: Tensor, mask: Tensor) -> Tensor:
    read = mask.unsqueeze(-1).to(words.dtype)
    if way == "cls":
        return words[:, 0]
    if way == "lasttoken":
        return words[torch.arange(len(words)), mask.sum(dim=1) - 1]
    if way == "max":
        return words.masked_fill(read == 0, float("-inf")).amax(dim=1)
    if way == "weightedmean":
        read = read * torch.arange(1, words.shape[1] + 1, dtype=words.dtype).view(1, -1, 1)
    count = read.sum(dim=1).clamp(min=1e-9)
    return (words * read).sum(dim=1) / (count.sqrt() if way == "mean_sqrt_len_tokens" else count)


@final
class _Dense(nn.Module):
    """A linear layer with an activation."""

    def __init__(self, linear: nn.Linear, activation: nn.Module) -> None:
        super().__init__()
        self.linear, self.activation = linear, activation

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.activation(self.linear(x))
        return found


@final
class _Normalize(nn.Module):
    """Vectors of length 1."""

    def forward(self, x: Tensor) -> Tensor:
        return normalize(x, dim=-1)


def _read_transformer(folder: Path, place: str) -> tuple[nn.Module, str]:
    settings = read_json(inside(folder, f"{place}config.json"))
    kind = settings["model_type"]
    if "auto_map" in settings or kind not in ARCHITECTURES:
        got = "code of its own" if "auto_map" in settings else f"{kind!r:.60}"
        raise ParameterError(f"{got}, where a network must be a known one of transformers")
    weights = load_file(inside(folder, f"{place}model.safetensors"))
    plain = {
        name: value
        for name, value in settings.items()
        if not name.startswith("_") and name not in IGNORED
    }
    config = AutoConfig.for_model(kind, **plain, use_cache=False)
    if config.num_hidden_layers > len(weights):  # before anything is made in that size
        raise ParameterError(f"weights for fewer than {config.num_hidden_layers} layers")
    with torch.device("meta"):
        named = _named(_build(config, weights), weights)
    with seeded(0):  # weights are drawn before they are loaded
        model = _build(config, weights)
    model.load_state_dict(named)
    return _Transformer(model), "Transformer"


def _build(config: Any, weights: dict[str, Tensor]) -> Any:
    """Build a network; eager attention has the same bits for batches with and without padding."""
    auto: Any = AutoModel
    model: Any = auto.from_config(
        config, attn_implementation="eager", dtype=torch.float32, trust_remote_code=False
    )
    if not any("pooler." in name for name in weights):  # nothing here reads its output
        model.pooler = None
    return model


def _named(model: Any, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a network by its own names; refuse others."""
    prefix = f"{model.base_model_prefix}."
    named = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
    wanted = model.state_dict()
    wrong = [k for k, v in wanted.items() if k not in named or named[k].shape != v.shape]
    if wrong:
        raise ParameterError(f"other weights than its settings say: {wrong[0]!r:.50}")
    return {name: named[name] for name in wanted}


def _read_pooling(folder: Path, place: str) -> tuple[nn.Module, str]:
    settings = read_json(inside(folder, f"{place}config.json"))
    asked = settings.get("pooling_mode") or [
        way for old, way in POOLINGS.items() if settings.get(old)
    ]
    ways = (asked,) if isinstance(asked, str) else tuple(asked or ["mean"])
    if not set(ways) <= set(POOLINGS.values()):
        raise ParameterError(f"{ways!r:.40}, where pooling must be a known one")
    title = "Pooling" if ways == ("mean",) else f"Pooling {' '.join(ways)}"
    return Pooling(ways), title


def _read_dense(folder: Path, place: str) -> tuple[nn.Module, str]:
    settings = _of_vectors(folder, place)
    name = str(settings.get("activation_function", "Tanh")).rpartition(".")[2]
    if name not in ACTIVATIONS or settings.get("use_residual"):
        raise ParameterError(f"Dense with {name!r:.40}, where activations must be known ones")
    weights = load_file(inside(folder, f"{place}model.safetensors"))
    rows, columns = weights["linear.weight"].shape
    with seeded(0):
        linear = nn.Linear(columns, rows, bias="linear.bias" in weights)
    linear.load_state_dict({k.removeprefix("linear."): v for k, v in weights.items()})
    return _Dense(linear, ACTIVATIONS[name]()), f"Dense {name}"


def _read_normalize(folder: Path, place: str) -> tuple[nn.Module, str]:
    if (folder / place / "config.json").exists():
        _of_vectors(folder, place)
    return _Normalize(), "Normalize"


def _of_vectors(folder: Path, place: str) -> dict[str, Any]:
    """Read the settings of a module that reads the vector of a text."""
    settings: dict[str, Any] = read_json(inside(folder, f"{place}config.json"))
    reads = settings.get("module_input_name", "sentence_embedding")
    if reads != "sentence_embedding":
        raise ParameterError(f"{reads!r:.40}, where modules must read the vector of a text")
    return settings


READERS: Final = {
    "Transformer": _read_transformer,
    "Pooling": _read_pooling,
    "Dense": _read_dense,
    "Normalize": _read_normalize,
}
