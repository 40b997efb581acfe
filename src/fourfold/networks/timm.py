"""Networks of timm, by name, with weights from a local file."""

from __future__ import annotations

from pathlib import Path
from typing import final

import torch
from safetensors.torch import load_file

from fourfold.errors import DataError, FileError, MissingExtraError, ParameterError
from fourfold.networks.builder import Body, Builder, as_body

try:
    import timm
except ImportError as error:
    raise MissingExtraError("timm", "image") from error

__all__ = ["Timm"]


@final
class Timm(Builder):
    """A network of timm without its classifier.

    Parameters
    ----------
    name
        As timm calls it, e.g. ``"resnet18"``.
    weights
        A local ``.safetensors`` or ``.pth`` file; None starts from random weights. Nothing is ever
        downloaded.
    """

    name: str = "resnet18"
    weights: str | None = None

    def build(self, shape: tuple[int, ...]) -> Body:
        if not timm.is_model(self.name):
            raise ParameterError(f"name must be a network of timm; got {self.name!r}")
        if len(shape) != 3:
            raise DataError(f"{self.name} must get rows of (C, H, W); got rows of shape {shape}")
        network = timm.create_model(self.name, num_classes=0, in_chans=shape[0])
        if self.weights is not None:
            lost = network.load_state_dict(_read(Path(self.weights)), strict=False)
            if lost.missing_keys:
                raise DataError(
                    f"{self.weights} must hold {self.name}; it lacks {lost.missing_keys[:3]}"
                )
        return as_body(network, shape)

    def bare(self) -> Timm:
        return Timm(name=self.name)


def _read(path: Path) -> dict[str, torch.Tensor]:
    if not path.exists():
        raise FileError(f"{path} must be a file of weights; it does not exist")
    if path.suffix == ".safetensors":
        return load_file(path)
    weights: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights
