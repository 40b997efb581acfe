"""Listener: convolutions along the frames of speech, for transcription."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, final

import annotated_types as at
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.core.parameters import Fraction, PositiveInt
from fourfold.errors import DataError, ParameterError
from fourfold.networks.builder import Body, Builder
from fourfold.training.norms import FrameNorm

__all__ = ["EachFrame", "Listener", "SpecAugment", "real_frames"]

DILATED: Final = 3
"""Last blocks whose filters skip every other frame, to hear a word around a sound."""


def real_frames(x: Tensor) -> Tensor:
    """Return 1 for frames of x (B, C, T), 0 for those of zeros behind the end: (B, 1, T)."""
    return (x != 0).any(1, keepdim=True).to(x.dtype)


@final
class Listener(Builder):
    """Separable convolutions over the frames of an utterance, with residuals.

    The first stage takes every third frame of log-mel bands, 30 ms; each block is a filter of each
    channel over time, a mixture of channels, and batch norm over the frames that are there. A
    frame of the features (B, width, T) that lies behind the end of an utterance is zero, and none
    depends on it.

    Parameters
    ----------
    width
        Channels.
    blocks
        Number of blocks; the last three have filters twice as long.
    kernel
        Frames of the filters, odd.
    stride
        Frames of 10 ms for one of the features.
    time_masks, band_masks
        SpecAugment: stretches of time, of at most a tenth of the utterance each, and of bands, of
        at most a fifth of them each, that are hidden in training.
    dropout
        Share of the channels that are zero in a step of training.

    References
    ----------
    Kriman et al., QuartzNet: Deep Automatic Speech Recognition with 1D Time-Channel Separable
    Convolutions, ICASSP 2020. Park et al., SpecAugment, Interspeech 2019.

    Examples
    --------
    >>> body = Listener(width=32, blocks=4).build((40, 300))
    >>> body(torch.randn(2, 40, 300)).shape
    torch.Size([2, 32, 100])
    """

    width: PositiveInt = 192
    blocks: PositiveInt = 8
    kernel: Annotated[int, at.Ge(1)] = 3
    stride: PositiveInt = 3
    time_masks: Annotated[int, at.Ge(0)] = 2
    band_masks: Annotated[int, at.Ge(0)] = 2
    dropout: Fraction = 0.1

    frames: ClassVar[bool] = True

    def _build(self, shape: tuple[int, ...]) -> Body:
        if len(shape) != 2:
            raise DataError(f"a Listener must get frames of (bands, time); got rows of {shape}")
        if self.kernel % 2 == 0:
            raise ParameterError(f"kernel of Listener must be odd; got {self.kernel}")
        augment = SpecAugment(self.time_masks, self.band_masks)
        stages: dict[str, nn.Module] = {
            "sound": _Sound(shape[0], self.width, self.kernel, self.stride, augment)
        }
        for i in range(1, self.blocks + 1):
            dilation = 2 if i > max(1, self.blocks - DILATED) else 1
            stages[f"block{i}"] = _Block(self.width, self.kernel, dilation, self.dropout)
        return Body(stages, self.width)


@final
class _Sound(nn.Module):
    """From bands (B, bands, T) to channels of every third frame, (B, C, T / 3)."""

    def __init__(
        self, bands: int, width: int, kernel: int, stride: int, augment: SpecAugment
    ) -> None:
        super().__init__()
        self.stride, self.augment = stride, augment
        self.convolution = nn.Conv1d(bands, width, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = FrameNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        real = real_frames(x)
        x = _channels_last(self.convolution(self.augment(x, real)))
        real = real[..., :: self.stride]
        return F.silu(self.norm(x * real, real)) * real


@final
class _Block(nn.Module):
    """A filter of each channel over time, a mixture of channels, batch norm, and the input again.

    Frames (B, C, T) of zeros stay zero.
    """

    def __init__(self, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        reach = dilation * (kernel // 2)
        self.filter = nn.Conv1d(
            width, width, kernel, padding=reach, dilation=dilation, groups=width, bias=False
        )
        self.mix = nn.Conv1d(width, width, 1, bias=False)
        self.norm = FrameNorm(width)
        self.dropout = nn.Dropout1d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        real = real_frames(x)
        h = F.conv2d(  # it keeps the layout, which conv1d does not
            x[:, :, None],
            self.filter.weight[:, :, None],
            padding=(0, *self.filter.padding),
            dilation=(1, *self.filter.dilation),
            groups=self.filter.groups,
        )
        h = F.linear(h[:, :, 0].transpose(1, 2), self.mix.weight[..., 0]).transpose(1, 2)
        h = self.norm(h * real, real)
        return F.silu(x + self.dropout(h)) * real


@final
class EachFrame(nn.Module):
    """A fully connected layer on each frame, (B, inner, T) to (B, outer, T); zeros stay zero."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(inner, outer, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.mix(x)) * real_frames(x)


@final
class SpecAugment(nn.Module):
    """Hide stretches of time and bands of utterances (B, bands, T) in training, at random.

    Hidden values are 0, the mean of a band; which frames are there is known beside them.
    """

    def __init__(self, time_masks: int, band_masks: int) -> None:
        super().__init__()
        self.time_masks, self.band_masks = time_masks, band_masks

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        if not self.training:
            return x
        lengths = real.sum(2)  # (B, 1)
        for _ in range(self.time_masks):
            x = x * _outside(lengths, lengths / 10, x.shape[2])[:, None]
        bands = torch.full_like(lengths, x.shape[1])
        for _ in range(self.band_masks):
            x = x * _outside(bands, bands / 5, x.shape[1])[..., None]
        return x


def _channels_last(x: Tensor) -> Tensor:
    """Return x (B, C, T) with the channels of a frame side by side in memory, which is faster."""
    return x.transpose(1, 2).contiguous().transpose(1, 2)


def _outside(lengths: Tensor, longest: Tensor, n: int) -> Tensor:
    """Return 0 in a random stretch of each row of n places, 1 outside: (B, n).

    It lies in the first places, as many as ``lengths`` (B, 1), and takes at most ``longest``.
    """
    span = (torch.rand_like(longest) * longest).round()
    start = (torch.rand_like(span) * (lengths - span)).floor()
    at = torch.arange(n, device=lengths.device)
    return ((at < start) | (at >= start + span)).to(lengths.dtype)
