"""Augmentation: random changes of pictures and sounds in training, as data of a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol, final

import annotated_types as at

from fourfold.core.parameters import NonNegative, Parameters, PositiveInt

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Augmentation", "Augmenter"]


@final
class Augmentation(Parameters):
    """Random changes of the rows of each batch that keep their labels.

    What would change a label is left out, by the kind of the rows and the names of the classes:
    flips where classes are digits, letters or directions, colours where these are classes, and
    everything where labels are numbers. ``fourfold map`` says so of the data. Texts, tables and
    rows of numbers stay as they are.

    Parameters
    ----------
    crop
        Least share of the area of a picture that is kept and resized, in (0, 1]; 1 crops nothing.
        Pictures of at most 64 × 64 are shifted instead, by up to (1 − crop)/4 of a side, since
        resizing would blur them.
    flip
        Whether half of the pictures are mirrored.
    operations, magnitude
        Of RandAugment: number of random changes of shape or colour of a picture, and their size.
    mixup
        α of mixup: rows and losses are mixed with shares of a Beta(α, α) distribution; no features
        of frozen layers. 0 mixes nothing.
    speed
        Largest change of the speed of a sound, as a share.
    noise
        Least distance of the noise that half of the sounds get from their loudest point, in
        decibels; None adds none.
    masks
        Of SpecAugment: stretches of time, and of bands, that are hidden.
    views
        Number of drawn views of each row that a frozen network computes, once; each batch draws
        among them.

    References
    ----------
    Cubuk et al., RandAugment, CVPR Workshops 2020. Zhang et al., mixup, ICLR 2018. Park et al.,
    SpecAugment, Interspeech 2019. Ko et al., Audio Augmentation for Speech Recognition, Interspeech
    2015 (speed).

    Examples
    --------
    >>> from fourfold import Recipe
    >>> Recipe(augment=Augmentation(flip=False)).augment
    Augmentation(flip=False)
    """

    crop: Annotated[float, at.Interval(gt=0, le=1)] = 0.5
    flip: bool = True
    operations: Annotated[int, at.Ge(0)] = 1
    magnitude: Annotated[int, at.Interval(ge=0, le=30)] = 9
    mixup: NonNegative = 0.0
    speed: Annotated[float, at.Interval(ge=0, lt=1)] = 0.1
    noise: NonNegative | None = 20.0
    masks: Annotated[int, at.Ge(0)] = 2
    views: PositiveInt = 4

    def idle(self) -> dict[str, str]:
        return {} if self.operations else {"magnitude": "operations=0"}


class Augmenter(Protocol):
    """Random changes of rows of one shape.

    Attributes
    ----------
    augmentation
        What it follows.
    rules
        What it does and leaves out, as one text: part of the identity of drawn views.
    """

    augmentation: Augmentation
    rules: str

    def __call__(self, x: Tensor) -> Tensor:
        """Change a batch of raw rows (B, ...), each by its own draw of torch's random numbers."""
