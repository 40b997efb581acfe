"""Transformers as stages: embedding, blocks, pooling, each a function of one tensor.

The network's own forward embeds, with its list of blocks emptied; so whatever it does before its
blocks, it does here. That the stages compute what the network does is proven once.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, final

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Anatomy", "Encoder", "Opened", "for_export", "opened", "reopened"]

NORMS: Final = ("", "layernorm", "post_layernorm", "layer_norm", "encoder.layer_norm", "norm")
"""Places of a norm behind the blocks; the empty one is none."""
PARITY: Final = 1e-4
"""Largest difference of the stages from the network, relative to its outputs."""


@final
class Anatomy(NamedTuple):
    """Names of a network's list of blocks and of the norm behind it; empty for none."""

    blocks: str = ""
    norm: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the words of :meth:`write`."""
        blocks, _, norm = text.partition(" ")
        return cls(blocks, norm)

    def write(self) -> str:
        """Return both names as one word each."""
        return f"{self.blocks} {self.norm}".strip()


@final
class Encoder(nn.Module):
    """The network of a library, from rows (B, ...) to vectors of steps, masked: (B, L, 1 + d).

    The first number of a step is 1, or 0 for padding.

    Parameters
    ----------
    model
        The network.
    argument
        Name of its input: ``"input_ids"``, ``"pixel_values"``, ``"input_values"`` or
        ``"input_features"``. The ids are 1 + the number of a token, and 0 for padding.
    """

    def __init__(self, model: nn.Module, argument: str) -> None:
        super().__init__()
        self.model, self.argument = model, argument

    def forward(self, x: Tensor) -> Tensor:
        if self.argument != "input_ids":
            steps = self.model(**{self.argument: x}).last_hidden_state
            if steps.ndim == 4:  # (B, d, H, W) of a convolutional network
                steps = steps.flatten(2).transpose(1, 2)
            return torch.cat([torch.ones_like(steps[..., :1]), steps], dim=-1)
        first = torch.ones_like(x[:, :1], dtype=torch.bool)  # padding rows must not be empty
        mask = torch.cat([first, x[:, 1:] > 0], dim=1)
        ids = (x - 1).clamp(min=0).long()
        steps = self.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return torch.cat([mask.unsqueeze(-1).to(steps.dtype), steps], dim=-1)


@final
class _Block(nn.Module):
    """One block, on masked steps (B, L, 1 + d)."""

    def __init__(self, layer: nn.Module, *, masked: bool) -> None:
        super().__init__()
        self.layer, self.masked = layer, masked

    def forward(self, x: Tensor) -> Tensor:
        mask, steps = x[..., :1], x[..., 1:]
        away = None
        if self.masked:
            away = (1 - mask.transpose(1, 2).unsqueeze(1)) * torch.finfo(steps.dtype).min
        found = self.layer(steps, away)
        return torch.cat([mask, found[0] if isinstance(found, tuple) else found], dim=-1)


@final
class _Norm(nn.Module):
    """The norm behind the blocks, on masked steps."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x[..., :1], self.norm(x[..., 1:])], dim=-1)


def for_export(stage: nn.Module) -> nn.Module:
    """Return a copy of a stage whose attention is written out, as exporters understand it."""
    copied = copy.deepcopy(stage)
    for part in copied.modules():
        if "config" in vars(part):
            settings: Any = part.config
            settings._attn_implementation = "eager"  # noqa: SLF001  transformers' own switch
    return copied


class Opened(NamedTuple):
    """Stages of a network before its pooling, by name, and the anatomy that they follow."""

    stages: Mapping[str, nn.Module]
    anatomy: Anatomy


def opened(
    encoder: Encoder, pool: nn.Module, wanted: Callable[[Tensor], Tensor], probe: Tensor
) -> Opened:
    """Open a network into stages, or leave it whole where these compute something else.

    ``wanted`` are the network's own features of rows like the probe's, (B, ...), which the pooled
    stages must give. The encoder's network is left without its blocks.
    """
    names = [name for name, part in encoder.model.named_modules() if _is_blocks(part)]
    with torch.no_grad():
        encoder.eval()
        features = wanted(probe)
        for anatomy in (Anatomy(blocks, norm) for blocks in names[:1] for norm in NORMS):
            if anatomy.norm and not _has(encoder.model, anatomy.norm):
                continue
            taken = _take(encoder, anatomy)
            try:
                found = pool(nn.Sequential(*taken.stages.values()).eval()(probe))
            except (RuntimeError, TypeError, ValueError, IndexError, AttributeError):
                found = None  # blocks that need more than steps and a mask
            if found is not None and _equal(found, features):
                return taken
            _give_back(encoder, taken)
    return Opened({"network": encoder}, Anatomy())


def reopened(encoder: Encoder, anatomy: Anatomy) -> Opened:
    """Open a network by a known anatomy, without a proof."""
    return _take(encoder, anatomy) if anatomy.blocks else Opened({"network": encoder}, anatomy)


def _take(encoder: Encoder, anatomy: Anatomy) -> Opened:
    """Take the blocks and the norm out of a network, and return all as stages."""
    model: Any = encoder.model
    blocks: Any = model.get_submodule(anatomy.blocks)
    masked = encoder.argument == "input_ids"
    stages: dict[str, nn.Module] = {"embed": encoder}
    stages |= {f"block{i}": _Block(b, masked=masked) for i, b in enumerate(blocks, 1)}
    _put(model, anatomy.blocks, nn.ModuleList())
    if anatomy.norm:
        stages["norm"] = _Norm(model.get_submodule(anatomy.norm))
        _put(model, anatomy.norm, nn.Identity())
    return Opened(stages, anatomy)


def _give_back(encoder: Encoder, taken: Opened) -> None:
    blocks = [part.layer for part in taken.stages.values() if isinstance(part, _Block)]
    _put(encoder.model, taken.anatomy.blocks, nn.ModuleList(blocks))
    for part in taken.stages.values():
        if isinstance(part, _Norm):
            _put(encoder.model, taken.anatomy.norm, part.norm)


def _put(model: nn.Module, name: str, part: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, part)


def _has(model: nn.Module, name: str) -> bool:
    return name in dict(model.named_modules())


def _is_blocks(part: nn.Module) -> bool:
    """Return whether a part is a list of equal layers with weights."""
    kinds = {type(layer) for layer in part.children()}
    return isinstance(part, nn.ModuleList) and len(part) > 1 and len(kinds) == 1 and _heavy(part)


def _heavy(part: nn.Module) -> bool:
    return any("attention" in name or "attn" in name for name, _ in part.named_modules())


def _equal(got: Tensor, wanted: Tensor) -> bool:
    scale = float(wanted.abs().max().clamp(min=1e-12))
    return got.shape == wanted.shape and float((got - wanted).abs().max()) <= PARITY * scale
