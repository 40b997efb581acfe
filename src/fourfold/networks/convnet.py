"""ConvNet: small convolutional networks, for pictures."""

from __future__ import annotations

from typing import Annotated, ClassVar, final

import annotated_types as at
import torch
from torch import nn

from fourfold.errors import DataError, ParameterError
from fourfold.networks.builder import Body, Builder
from fourfold.training.norms import BatchNorm2d

__all__ = ["ConvNet"]


@final
class ConvNet(Builder):
    """Convolutions with pooling, then fully connected layers.

    The defaults are the digit network of domain-adversarial training: 5×5-32, 5×5-48, 100, 100;
    its domain critic reads the last convolution. Pooling comes before the ReLU, with which it
    commutes: a quarter of the elements is left.

    Parameters
    ----------
    channels
        Output channels of each convolution.
    hidden_layer_sizes
        Units of the fully connected layers.
    kernel
        Side of the filters, without padding; None: 5, or 3 with padding for pictures that are too
        small.
    batch_norm
        Whether to normalize after each convolution.

    References
    ----------
    Ganin et al., Domain-Adversarial Training of Neural Networks, JMLR 2016.

    Examples
    --------
    >>> body = ConvNet().build((1, 28, 28))
    >>> body.width, body.tap
    (100, 'conv2')
    """

    channels: tuple[Annotated[int, at.Ge(1)], ...] = (32, 48)
    hidden_layer_sizes: tuple[Annotated[int, at.Ge(1)], ...] = (100, 100)
    kernel: Annotated[int, at.Ge(1)] | None = None
    batch_norm: bool = False

    renamed: ClassVar[dict[str, str]] = {"widths": "hidden_layer_sizes"}

    def _build(self, shape: tuple[int, ...]) -> Body:
        if len(shape) != 3:
            hint = ": layout='pictures' reads rows (a, b) as (1, a, b)" if len(shape) == 2 else ""
            raise DataError(
                f"a convnet must get rows of (C, H, W); got rows of shape {shape}{hint}"
            )
        if not self.channels:
            raise ParameterError("channels of ConvNet must be at least one convolution's; got ()")
        side = min(shape[1:])
        for _ in self.channels:
            side = (side - 4) // 2  # after a filter of 5 and pooling
        small = side < 1
        kernel = self.kernel or (3 if small else 5)
        padding = kernel // 2 if small and self.kernel is None else 0
        stages: dict[str, nn.Module] = {}
        inner = shape[0]
        for i, outer in enumerate(self.channels, start=1):
            convolution = nn.Conv2d(inner, outer, kernel, padding=padding)
            norm = [BatchNorm2d(outer)] if self.batch_norm else []
            flat = [nn.Flatten()] if i == len(self.channels) else []
            layers = [convolution, nn.MaxPool2d(2), *norm, nn.ReLU(), *flat]
            stages[f"conv{i}"] = nn.Sequential(*layers)
            inner = outer
        width = _width(stages, shape)
        for i, outer in enumerate(self.hidden_layer_sizes, start=1):
            stages[f"fc{i}"] = nn.Sequential(nn.Linear(width, outer), nn.ReLU())
            width = outer
        return Body(stages, width, f"conv{len(self.channels)}")


def _width(stages: dict[str, nn.Module], shape: tuple[int, ...]) -> int:
    try:
        with torch.inference_mode():
            return int(nn.Sequential(*stages.values()).eval()(torch.zeros(1, *shape)).shape[1])
    except RuntimeError as error:
        raise DataError(
            f"pictures must be large enough for {len(stages)} convolutions; got {shape[1:]}"
        ) from error
    finally:
        nn.Sequential(*stages.values()).train()
