"""Pictures of more than 8 bits a pixel: the value that is white in a pile of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image, ImageFile

__all__ = ["WHITE", "check_range", "highest", "is_deep", "keeps_half", "values", "white_of"]

WHITE: Final = 255.0
"""White in rows of pictures."""
MOST_BITS: Final = 32


def is_deep(image: Image.Image) -> bool:
    """Return whether the pixels of a picture have 16 or 32 bits."""
    return image.mode.startswith("I;16") or image.mode in {"I", "F"}


def keeps_half(image: ImageFile.ImageFile) -> bool:
    """Return whether 16 bits a channel are decoded to the upper 8, as Pillow does for colours."""
    return not is_deep(image) and any(";16" in str(tile[3]) for tile in image.tile)


def highest(image: Image.Image) -> float:
    """Return the largest absolute value of a picture's pixels."""
    return float(np.abs(values(image)).max())


def values(image: Image.Image) -> NDArray[np.float32]:
    """Return the pixels of a picture as they are.

    Raises
    ------
    DataError
        If some are NaN or infinite.
    """
    pixels = np.asarray(image, np.float32)
    if not np.isfinite(pixels).all():
        raise DataError("pixels must be finite numbers; got NaN or infinity")
    return pixels


def check_range(peaks: Sequence[float]) -> None:
    """Refuse pictures in colour of 16 bits a channel if few of the 8 that are decoded are used.

    Raises
    ------
    DataError
        If these highest values of the upper 8 bits are all small.
    """
    if peaks and 0 < max(peaks) < WHITE / 4:
        raise DataError(
            "pictures in colour of 16 bits must use their whole range, as 8 of the bits are read; "
            f"got values up to {int(256 * max(peaks) + 255)} of 65535: scale them to 8 bits, or "
            "save them in grey"
        )


def white_of(peaks: Sequence[float]) -> float:
    """Return the value of white for pictures with these highest values.

    It is 2ᵇ − 1 for the fewest bits b from 8 on, such as 4095 for a camera of 12 bits in files of
    16; 1 where all values are at most 1.

    Examples
    --------
    >>> white_of([300.0, 3900.0]), white_of([0.9]), white_of([65535.0])
    (4095.0, 1.0, 65535.0)
    """
    peak = max(peaks)
    if peak <= 1:
        return 1.0
    return next((2.0**b - 1 for b in range(8, MOST_BITS) if peak <= 2.0**b - 1), peak)
