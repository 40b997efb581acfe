"""Timm: networks of timm, by name, with weights from a local file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from fourfold.errors import DataError, MissingExtraError, ParameterError
from fourfold.networks.builder import Body, Builder, as_body
from fourfold.networks.weights import read_weights

try:
    import timm
    from timm.models import adapt_input_conv
except ImportError as error:
    raise MissingExtraError("timm", "image") from error

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Timm"]


@final
class Timm(Builder):
    """A network of timm without its classifier.

    Parameters
    ----------
    name
        Its name in timm, such as ``"resnet18"``.
    weights
        A local ``.safetensors`` or ``.pth`` file; None starts from random weights. Nothing is
        downloaded. For pictures of another number of channels, the first convolution's weights are
        summed or repeated.
    """

    name: str = "resnet18"
    weights: str | None = None

    def _build(self, shape: tuple[int, ...]) -> Body:
        if not timm.is_model(self.name):
            raise ParameterError(f"name must be a network of timm; got {self.name!r}")
        if len(shape) != 3:
            raise DataError(f"{self.name} must get rows of (C, H, W); got rows of shape {shape}")
        network = timm.create_model(self.name, num_classes=0, in_chans=shape[0])
        if self.weights is not None:
            self._load(network, read_weights(Path(self.weights)))
        return as_body(network, shape)

    def bare(self) -> Timm:
        return Timm(name=self.name)

    def _load(self, network: nn.Module, weights: dict[str, Tensor]) -> None:
        """Load all weights but the classifier's."""
        wanted = network.state_dict()
        lacking = [name for name in wanted if name not in weights]
        if lacking:
            raise DataError(f"{self.weights} must hold {self.name}; it lacks {lacking[:3]}")
        for name, tensor in wanted.items():
            got = weights[name]
            if got.ndim == 4 and got.shape[1] != tensor.shape[1] and _is_first(network, name):
                got = adapt_input_conv(tensor.shape[1], got)
            if got.shape != tensor.shape:
                raise DataError(
                    f"{self.weights} must hold {self.name}; its {name} is of shape "
                    f"{tuple(got.shape)}, not {tuple(tensor.shape)}"
                )
            wanted[name] = got
        network.load_state_dict(wanted)


def _is_first(network: Any, name: str) -> bool:
    """Return True for the weight of the convolution that reads the picture."""
    first = network.pretrained_cfg.get("first_conv", ())
    return name.removesuffix(".weight") in ((first,) if isinstance(first, str) else first)
