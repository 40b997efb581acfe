"""PictureInput: pictures as a pretrained network wants them, sized, cropped and normalized."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fourfold.core.parameters import Positive, PositiveInt  # noqa: TC001  read from annotations
from fourfold.errors import DataError
from fourfold.preparation.blockwise import InputStage, StagePreparation
from fourfold.preparation.layout import Layout, find_layout, prepared_shape

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["PictureInput", "PictureStage", "Window"]

LOOKED_AT = 1 << 8
"""Rows of arrays of floats that are looked at for the value of white."""


class Window(NamedTuple):
    """A range of resized pixels along one axis: of how many, from where on, and how many."""

    resized: int
    start: int
    length: int


@final
class PictureStage(InputStage):
    """Resize, crop and normalize raw pictures inside a network.

    Resizing for rows of one size is linear along each axis, so that it is two products with
    constant matrices, in every runtime alike: Pillow's filters, with antialiasing.

    Parameters
    ----------
    down, across
        Weights of resizing and cropping, (H', H) and (W', W).
    mean, scale
        Of each channel, (3, 1, 1), for pixels from 0 to 1.
    white
        The pixel value that is white.
    layout
        Of a row: ``"plane"``, ``"first"`` or ``"last"``.

    Notes
    -----
    Input: raw rows of any dtype, of one channel or three. Output: float32 (B, 3, H', W').
    """

    down: Tensor
    across: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        down: Tensor,
        across: Tensor,
        mean: Tensor,
        scale: Tensor,
        *,
        white: float,
        layout: Layout,
    ) -> None:
        super().__init__()
        self.white, self.layout = white, layout
        for name, tensor in {"down": down, "across": across, "mean": mean, "scale": scale}.items():
            self.register_buffer(name, tensor, persistent=False)  # known from the preparation

    def forward(self, x: Tensor) -> Tensor:
        """Prepare a batch."""
        x = x.to(torch.float32) / self.white
        if self.layout == "plane":
            x = x.unsqueeze(1)
        elif self.layout == "last":
            x = x.movedim(-1, 1)
        x = (self.down @ x @ self.across.T).clamp(0, 1)  # filters overshoot at edges
        return (x.expand(-1, 3, -1, -1) - self.mean) / self.scale


@final
class PictureInput(StagePreparation):
    """Prepare pictures as a pretrained network had them: size, crop, mean and spread.

    Grey pictures become three equal channels.

    Parameters
    ----------
    size
        Height and width that the network gets.
    crop
        Share of the shorter side that is kept, in the middle; 1 keeps all of a square.
    squash
        Whether both sides are resized to their own size, without keeping the aspect.
    filter
        Pillow's filter.
    mean, scale
        Of each channel, for pixels from 0 to 1.

    Examples
    --------
    >>> from fourfold.data.rows import as_rows
    >>> rows = as_rows(np.full((2, 8, 8, 3), 255, np.uint8))
    >>> PictureInput(size=(4, 4)).fit(rows).transform(rows).sample(1)[0, 0, 0]
    array([1., 1., 1., 1.], dtype=float32)
    """

    size: tuple[PositiveInt, ...] = (224, 224)
    crop: Positive = 1.0
    squash: bool = False
    filter: Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"] = "bicubic"
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    scale: tuple[Positive, ...] = (0.5, 0.5, 0.5)

    def _learn_arrays(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        first = rows[0]
        layout = find_layout(first, "auto")
        channels = prepared_shape(first.shape, layout)[0]
        if layout not in {"plane", "first", "last"} or channels not in {1, 3}:
            raise DataError(
                "a network of pictures must get pictures of one channel or three; got rows of "
                f"shape {first.shape}"
            )
        self.layout_: Layout = layout
        self.unit_ = max(_white(part) for part in rows)
        return (3, *self.size)

    def module(self) -> PictureStage:
        height, width = prepared_shape(self.row_shape_, self.layout_)[1:]
        down, across = self._windows(height, width)
        return PictureStage(
            _resizing(height, down, self.filter),
            _resizing(width, across, self.filter),
            *(torch.tensor(part).view(3, 1, 1) for part in (self.mean, self.scale)),
            white=self.unit_,
            layout=self.layout_,
        )

    def _windows(self, height: int, width: int) -> tuple[Window, Window]:
        """Return the pixels of a resized picture that are kept, along each axis."""
        goals = [math.floor(side / self.crop) for side in self.size]
        if self.squash:
            sides = goals
        else:  # the shorter side reaches its goal
            ratio = max(goals[0] / height, goals[1] / width)
            sides = [
                goal if goal / side == ratio else int(side * ratio)
                for goal, side in zip(goals, (height, width), strict=True)
            ]
        pairs = zip(sides, self.size, strict=True)
        down, across = (Window(side, round((side - kept) / 2), kept) for side, kept in pairs)
        return down, across

    def example(self, n: int) -> NDArray[Any]:
        drawn = np.random.default_rng(0).random((n, *self.row_shape_)) * self.unit_
        return drawn.astype(np.float32)

    def describe(self) -> str:
        height, width = self.size
        return f"pictures of {height} × {width} as the network had them, white is {self.unit_:g}"

    def config(self) -> dict[str, Any]:
        about = {"row_shape": list(self.row_shape_), "layout": self.layout_}
        return {**about, "unit": self.unit_, "white": self.white_}

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def _write(self, folder: Path) -> None:
        del folder  # only a shape and the value of white were fitted

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        del folder
        self.row_shape_, self.layout_ = tuple(config["row_shape"]), config["layout"]
        self.unit_, self.white_, self.spoken_ = config["unit"], config["white"], False


def _white(rows: Rows) -> float:
    """Return the value of white: 255, but 1 of floats that never exceed it."""
    if rows.dtype.kind in "iu" or rows.kind == "pictures":
        return 255.0
    most = float(np.max(rows.sample(LOOKED_AT), initial=0))
    if most > 255:
        raise DataError(
            f"numbers of pictures must lie in [0, 1] or [0, 255]; got {most:g}: scale them"
        )
    return 1.0 if most <= 1 else 255.0


def _resizing(side: int, window: Window, name: str) -> Tensor:
    """Return the weights (length, side) of resizing a side and keeping a window of it."""
    whole = Image.fromarray(np.eye(side, dtype=np.float32))
    resample = Image.Resampling[name.upper()]
    weights = np.asarray(whole.resize((side, window.resized), resample))
    full = np.zeros((window.length, side), np.float32)
    begin, skip = max(window.start, 0), max(-window.start, 0)
    kept = weights[begin : begin + window.length]
    full[skip : skip + len(kept)] = kept
    return torch.from_numpy(full)
