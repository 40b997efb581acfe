"""ConvNet1d: small convolutional networks over time, for series."""

from __future__ import annotations

from typing import Annotated, final

import annotated_types as at
import torch
from torch import Tensor, nn

from fourfold.errors import DataError, ParameterError
from fourfold.networks.builder import Body, Builder
from fourfold.training.norms import BatchNorm1d

__all__ = ["ConvNet1d"]


@final
class PeakAndMean(nn.Module):
    """Largest value and mean of each channel over time: (B, C, T) to (B, 2 C).

    An event counts wherever it is, and so does what lasts.
    """

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.amax(2), x.mean(2)], 1)


@final
class ConvNet1d(Builder):
    """Convolutions over time with pooling, the peak and mean of each channel, then layers on these.

    Parameters
    ----------
    channels
        Output channels of each convolution, each of which is followed by pooling by two.
    hidden_layer_sizes
        Units of the fully connected layers.
    kernel
        Steps of the filters, odd; series are padded to keep their length.
    batch_norm
        Whether to normalize after each convolution.

    References
    ----------
    Wang, Yan & Oates, Time Series Classification from Scratch with Deep Neural Networks, IJCNN
    2017.

    Examples
    --------
    >>> body = ConvNet1d().build((3, 200))
    >>> body.width, body.tap
    (100, 'conv3')
    """

    channels: tuple[Annotated[int, at.Ge(1)], ...] = (32, 48, 64)
    hidden_layer_sizes: tuple[Annotated[int, at.Ge(1)], ...] = (100,)
    kernel: Annotated[int, at.Ge(1)] = 7
    batch_norm: bool = True

    def _build(self, shape: tuple[int, ...]) -> Body:
        if len(shape) != 2:
            hint = ": layout='series' reads rows (a, b) so" if len(shape) == 3 else ""
            raise DataError(
                "a convnet of series must get rows of (channels, time); got rows of shape "
                f"{shape}{hint}"
            )
        if not self.channels or self.kernel % 2 == 0:
            raise ParameterError(
                "ConvNet1d must have at least one convolution, and an odd kernel; got channels "
                f"{self.channels} and kernel {self.kernel}"
            )
        if shape[1] < 2 ** len(self.channels):
            raise DataError(
                f"series must be long enough for {len(self.channels)} convolutions, "
                f"{2 ** len(self.channels)} steps; got {shape[1]}"
            )
        stages: dict[str, nn.Module] = {}
        inner = shape[0]
        for i, outer in enumerate(self.channels, start=1):
            convolution = nn.Conv1d(inner, outer, self.kernel, padding=self.kernel // 2)
            norm = [BatchNorm1d(outer)] if self.batch_norm else []
            end = [PeakAndMean()] if i == len(self.channels) else []
            layers = [convolution, nn.MaxPool1d(2), *norm, nn.ReLU(), *end]
            stages[f"conv{i}"] = nn.Sequential(*layers)
            inner = outer
        width = 2 * inner
        for i, outer in enumerate(self.hidden_layer_sizes, start=1):
            stages[f"fc{i}"] = nn.Sequential(nn.Linear(width, outer), nn.ReLU())
            width = outer
        return Body(stages, width, f"conv{len(self.channels)}")
