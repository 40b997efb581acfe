"""Trained networks as the source of a study, in place of data or below it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import nn

from fourfold.data.domain import Domain
from fourfold.errors import ParameterError
from fourfold.estimators.model_files import SavedModule
from fourfold.estimators.transfer import TransferEstimator
from fourfold.frozen.fingerprint import fingerprint
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.onnx import read_onnx
from fourfold.networks import Builder, named
from fourfold.networks.cut import Cut

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ToldApart",
    "TrainedSource",
    "has_towers",
    "name_of",
    "resolved",
    "source_identity",
    "told_apart",
]

TrainedSource: TypeAlias = "TransferEstimator | Builder | nn.Module"
"""A fitted estimator, a pretrained network by name, or a module."""
ToldApart: TypeAlias = "tuple[Domain | Sequence[Domain] | None, TrainedSource | None, Any]"
"""Data of the source, or the trained network in their place, and the network below methods."""


def resolved(network: Any) -> Any:
    """Return a pretrained network for its name; leave anything else as it is."""
    if not isinstance(network, str):
        return network
    if network.startswith("onnx:"):
        return _of_onnx(network.removeprefix("onnx:"))
    return named(network) if ":" in network else network


def told_apart(source: Any, network: Any) -> ToldApart:
    """Return the source's data, or the trained network that stands in their place, and the network.

    Without a source, a network with trained weights is the source.

    Raises
    ------
    ParameterError
        If both stand side by side, or the source is something else.
    """
    network = resolved(network)
    one = resolved(source)
    listed = list(one) if isinstance(one, (list, tuple)) else [one]
    if isinstance(network, Cut) and (not listed or listed == [None]):
        raise ParameterError(
            "network with frozen layers, such as onnx:FILE, must stand beside a source with data; "
            "got no source"
        )
    if not listed or listed == [None]:
        named_one = isinstance(network, Builder) and network.trained
        trained = isinstance(network, nn.Module) or named_one
        return None, network if trained else None, None if trained else network
    models = [part for part in listed if isinstance(part, (TransferEstimator, Builder, nn.Module))]
    if not models:
        strange = [part for part in listed if not isinstance(part, Domain)]
        if strange:
            raise ParameterError(
                "source must be a Domain, several, a trained model or a network; got "
                f"{type(strange[0]).__name__}"
            )
        return source, None, network
    if len(listed) > 1:
        raise ParameterError(
            "source must be Domains or one trained network; got both: bring the network as "
            "network=... beside the data"
        )
    if network is not None:
        raise ParameterError("network must be left out where a trained one is the source; got both")
    (model,) = models
    if isinstance(model, Builder) and not model.trained:
        raise ParameterError("source must be a network with trained weights; got random ones")
    return None, model, None


def name_of(model: TrainedSource) -> str:
    """Name a trained network in a title."""
    if isinstance(model, Builder):
        return str(model.get_params(deep=False).get("name", type(model).__name__))
    return type(model).__name__


def has_towers(model: TrainedSource | None) -> bool:
    """Return whether a trained network is one of two towers, which know classes by their names."""
    return isinstance(model, Builder) and model.paired


def source_identity(model: TrainedSource | None) -> list[Any]:
    """Return all that a fit depends on of a trained network, as JSON can hold it."""
    if model is None:
        return []
    if isinstance(model, Builder):
        return [repr(model), model.weights_digest]
    if isinstance(model, TransferEstimator):
        return [*model.identity(), fingerprint(model.model_)]
    return [fingerprint(model)]


def _of_onnx(path: str) -> Any:
    """Return an encoder in an ONNX file as a frozen network with nothing above it."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise ParameterError(f"network onnx: must be followed by a file; got {path!r:.80}")
    read_onnx(file)
    return Cut(Frozen(SavedModule(file), engine="torch"), nn.Flatten())
