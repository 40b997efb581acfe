"""Architecture: a network of transformers by its settings alone, as saved models rebuild it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, final

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from fourfold.errors import BundleError, MissingExtraError
from fourfold.networks.builder import Body, Builder
from fourfold.networks.pretrained.opened import Anatomy, Encoder, reopened

try:
    from transformers import AutoConfig, AutoModel

    from fourfold.preparation.encoder_modules import ACTIVATIONS, ARCHITECTURES, IGNORED, Pooling
except ImportError as error:
    raise MissingExtraError("transformers", "text") from error

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["KINDS", "Architecture", "Pool", "cleaned", "encoder_of"]

PICTURES: Final = frozenset(
    {"beit", "clip_vision_model", "convnext", "convnextv2", "deit", "dinov2", "resnet", "swin"}
    | {"siglip_vision_model", "vit", "vit_mae"}
)
WAVES: Final = frozenset({"data2vec-audio", "hubert", "unispeech", "wav2vec2", "wavlm"})
"""Networks of raw waves; Whisper's encoder reads log-mel pictures."""
KINDS: Final[dict[str, str]] = {
    **dict.fromkeys([*ARCHITECTURES, "clip_text_model"], "input_ids"),
    **dict.fromkeys(PICTURES, "pixel_values"),
    **dict.fromkeys(WAVES, "input_values"),
    "whisper": "input_features",
}
"""Model type → name of its input, for networks whose settings name no code and no files."""


@final
class Pool(nn.Module):
    """One vector of the masked steps (B, L, 1 + d) of a row, and layers above it: (B, d').

    Titles are of layers: ``"Pooling mean"``, ``"Dense Tanh 384 128 bias"``, ``"Normalize"``.
    """

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        first, *others = titles
        self.titles = tuple(titles)
        self.pooling = Pooling(tuple(first.split()[1:]))
        self.layers = nn.Sequential(*map(_layer, others))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(self.pooling(x[..., 1:], x[..., 0]))
        return found


@final
class _Unit(nn.Module):
    """Vectors of length 1."""

    def forward(self, x: Tensor) -> Tensor:
        return normalize(x, dim=-1)


def _layer(title: str) -> nn.Module:
    kind, *rest = title.split()
    if kind == "Normalize":
        return _Unit()
    name, inner, outer, *bias = rest
    linear = nn.Linear(int(inner), int(outer), bias=bool(bias))
    return nn.Sequential(linear, ACTIVATIONS[name]())


@final
class Architecture(Builder):
    """A network of transformers with random weights.

    Parameters
    ----------
    config
        Its settings, as JSON.
    head
        Titles of the pooling and of the layers above it.
    anatomy
        Names of its list of blocks and of the norm behind it; empty for one whole stage.
    """

    config: str = "{}"
    head: tuple[str, ...] = ("Pooling mean",)
    anatomy: str = ""

    def _build(self, shape: tuple[int, ...]) -> Body:
        del shape  # whatever length or size the rows have
        settings = json.loads(self.config)
        encoder = encoder_of(settings)
        pool = Pool(self.head)
        found = reopened(encoder, Anatomy.read(self.anatomy))
        return Body({**found.stages, "pool": pool}, _width(settings, pool))


def encoder_of(settings: dict[str, Any]) -> Encoder:
    """Build the network that settings describe, with random weights.

    Raises
    ------
    BundleError
        If it is of another kind than the known ones.
    """
    kind = settings.get("model_type")
    if kind not in KINDS or "auto_map" in settings:
        raise BundleError(f"a network must be a known one of transformers; got {kind!r:.40}")
    config = AutoConfig.for_model(kind, **cleaned(settings))
    auto: Any = AutoModel
    model: Any = auto.from_config(
        config, attn_implementation="sdpa", dtype=torch.float32, trust_remote_code=False
    )
    return Encoder(bare(model), KINDS[str(kind)])


def bare(model: Any) -> nn.Module:
    """Return a network without parts behind its last steps, or its encoder of two halves."""
    if model.config.model_type == "whisper":
        encoder: nn.Module = model.get_encoder()
        return encoder
    parts = dict(model.named_children())
    for name in ("pooler", "head"):
        if name in parts:
            setattr(model, name, None)
    kept: nn.Module = model
    return kept


def cleaned(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a network itself, without those of its loading."""
    return {
        name: value
        for name, value in settings.items()
        if not name.startswith("_") and name not in IGNORED
    }


def _width(settings: dict[str, Any], pool: Pool) -> int:
    """Return the number of features."""
    for layer in reversed(pool.layers):
        if isinstance(layer, nn.Sequential):
            linear: Any = layer[0]
            return int(linear.out_features)
    sizes = settings.get("hidden_sizes")
    steps = int(sizes[-1] if sizes else settings.get("hidden_size") or settings["d_model"])
    return steps * len(pool.pooling.ways)
