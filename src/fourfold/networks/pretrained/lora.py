"""Low-rank adapters by peft: small matrices beside the attention of a network that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from torch import nn

from fourfold.errors import DataError, MissingExtraError

try:
    from peft import LoraConfig, inject_adapter_in_model
except ImportError as error:
    raise MissingExtraError("peft", "lora") from error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from fourfold.networks.builder import Body

__all__ = ["adapter_weights", "with_adapters"]

RANK: Final = 8
ALPHA: Final = 16
"""Scale of an adapter, over its rank."""
ATTENTION: Final = frozenset(
    {"q_lin", "q_proj", "qkv", "query", "v_lin", "v_proj", "value", "Wqkv"}
)
"""Names of the layers of queries and values."""


def with_adapters(body: Body) -> Body:
    """Put adapters beside the queries and values of each block, and train these alone.

    A network without attention gets them beside its pointwise layers.

    References
    ----------
    Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022.

    Raises
    ------
    DataError
        If it has neither.
    """
    parts = dict(body.named_modules())
    names = [name for name in parts if name.rpartition(".")[2] in ATTENTION]
    names = names or [name for name, part in parts.items() if _is_pointwise(part)]
    if not names:
        raise DataError("a network with adapters must have attention or pointwise layers; got none")
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=names, bias="none")
    module: Any = body
    inject_adapter_in_model(config, module)
    for name, parameter in body.named_parameters():
        parameter.requires_grad_("lora_" in name)
    return body


def adapter_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a model that are not those of the network below its adapters."""
    return {
        name: value
        for name, value in weights.items()
        if not name.startswith("body.") or "lora_" in name
    }


def _is_pointwise(part: nn.Module) -> bool:
    if isinstance(part, nn.Conv2d):
        return part.kernel_size == (1, 1) and part.groups == 1
    return isinstance(part, nn.Linear)
