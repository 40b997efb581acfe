"""Trained networks from the command line: pretrained ones by name, and saved models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fourfold.bundle.files import is_bundle
from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["is_pretrained", "names_of", "network_of", "saved_source"]


def is_pretrained(network: str | None) -> bool:
    """Return whether a name is that of a pretrained network."""
    if network is None:
        return False
    from fourfold.networks.choice import PRETRAINED  # with torch

    return network.startswith((*PRETRAINED, "onnx:"))


def names_of(network: str) -> list[str]:
    """Return the names of pretrained networks that commas separate, or the only name."""
    from fourfold.networks.choice import PRETRAINED  # with torch

    return re.split(rf",(?={'|'.join(PRETRAINED)})", network)


def network_of(
    network: str | None,
    weights: str | None,
    adapter: str | None,
    prompt: Sequence[str] | None = None,
) -> Any:
    """Return the network that options ask for, or several, of which a study takes the best.

    Raises
    ------
    ParameterError
        If options of a pretrained network stand beside another one.
    """
    named = [] if network is None else names_of(network)
    if len(named) > 1:
        return [network_of(name, weights, adapter, prompt) for name in named]
    asked = {"weights": weights, "adapter": adapter, "prompt": prompt or None}
    options = [name for name, value in asked.items() if value is not None]
    if not options:
        return network
    if network is None or not is_pretrained(network) or network.startswith("onnx:"):
        raise ParameterError(
            f"--{options[0]} must stand beside --network timm:NAME, hf:NAME or st:NAME; got "
            f"{network or 'none'}"
        )
    from fourfold.networks import Pretrained

    given: Any = {"none": None, None: "trained"}.get(weights, weights)
    prompts = tuple(prompt) if prompt else None
    made = Pretrained(name=network, weights=given, adapter=adapter, prompt=prompts)  # type: ignore[arg-type]
    made.check()
    return made


def saved_source(source: Sequence[Path] | None) -> Any:
    """Load the saved model that is given as the source; None where it is data.

    Raises
    ------
    ParameterError
        If it stands beside others.
    """
    models = [path for path in source or () if path.is_dir() and is_bundle(path)]
    if not models:
        return None
    if len(source or ()) > 1:
        raise ParameterError(
            f"--source must be data, several, or one saved model; got {models[0]} beside others"
        )
    from fourfold.methods.saved import load_one

    return load_one(models[0], None)
