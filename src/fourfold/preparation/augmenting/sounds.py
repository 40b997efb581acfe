"""Random changes of sounds: another speed, noise, and hidden stretches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import torch
from torch.nn import functional as F  # noqa: N812  its name in the field

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.preparation.augmenting.rules import Rules
    from fourfold.training.augmentation import Augmentation

__all__ = ["SpectrogramAugmenter", "WaveAugmenter"]

NOISY: Final = 0.5
"""Share of the sounds that get noise: clean ones must not be strange to the network."""
LOUDER: Final = 30.0
"""Range in decibels of the distance of noise from the loudest point."""
LONGEST, WIDEST = 0.1, 0.2
"""Largest share of the frames, and of the bands, that a mask hides."""


@final
class WaveAugmenter:
    """Change waves (B, samples), each by itself; their length stays."""

    def __init__(self, augmentation: Augmentation, rules: Rules) -> None:
        self.augmentation, self.rules = augmentation, str(rules)

    def __call__(self, x: Tensor) -> Tensor:
        return torch.stack([self._changed(wave) for wave in x])

    def _changed(self, wave: Tensor) -> Tensor:
        about = self.augmentation
        wave = _at_speed(wave[None], about.speed, torch.zeros(1))[0]
        if about.noise is not None and torch.rand(()) < NOISY:
            level = wave.abs().max() * 10 ** (-_distance(about.noise) / 20)
            wave = wave + level * torch.randn_like(wave)
        for _ in range(about.masks):
            wave = wave * ~_stretch(len(wave), LONGEST)
        return wave


@final
class SpectrogramAugmenter:
    """Change log-mel pictures (B, bands, frames), each by itself.

    Parameters
    ----------
    augmentation, rules
        What is changed.
    decibels
        Whether values are decibels; noise is added to these alone.
    """

    def __init__(self, augmentation: Augmentation, rules: Rules, *, decibels: bool) -> None:
        self.augmentation, self.decibels = augmentation, decibels
        self.rules = f"{rules} {decibels}"

    def __call__(self, x: Tensor) -> Tensor:
        return torch.stack([self._changed(sound) for sound in x])

    def _changed(self, sound: Tensor) -> Tensor:
        about = self.augmentation
        floor, mean = sound.amin(), sound.mean()
        sound = _at_speed(sound, about.speed, floor.expand(1))
        if self.decibels and about.noise is not None and torch.rand(()) < NOISY:
            noise = sound.amax() - _distance(about.noise) + 3 * torch.randn_like(sound)
            powers = torch.stack([sound, noise]) * (torch.log(torch.tensor(10.0)) / 10)
            sound = torch.logsumexp(powers, 0) * (10 / torch.log(torch.tensor(10.0)))
        bands, frames = sound.shape
        for _ in range(about.masks):
            sound = torch.where(_stretch(frames, LONGEST), mean, sound)
            sound = torch.where(_stretch(bands, WIDEST)[:, None], mean, sound)
        return sound


def _distance(least: float) -> float:
    """Draw the distance of noise from the loudest point, in decibels."""
    return least + LOUDER * float(torch.rand(()))


def _at_speed(x: Tensor, most: float, silence: Tensor) -> Tensor:
    """Change the speed of sounds (bands, T) by at most a share; behind their end is silence."""
    if not most:
        return x
    length = x.shape[1]
    wanted = max(1, round(length * (1 + most * (2 * float(torch.rand(())) - 1))))
    changed = F.interpolate(x[None].float(), wanted, mode="linear", align_corners=False)[0]
    missing = max(0, length - wanted)
    filled = [changed[:, :length], silence.to(changed).expand(len(x), missing)]
    return torch.cat(filled, 1).to(x.dtype)


def _stretch(n: int, most: float) -> Tensor:
    """Draw a stretch of n places, at most a share of them: True inside, (n,)."""
    span = int(torch.rand(()) * (most * n + 1))
    start = int(torch.rand(()) * (n - span + 1))
    at = torch.arange(n)
    return (at >= start) & (at < start + span)
