"""Standardize: mean 0 and standard deviation 1 of features or channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from fourfold.data.rows import check_finite
from fourfold.errors import BundleError, DataError
from fourfold.preparation.blockwise import InputStage, StagePreparation
from fourfold.preparation.layout import (
    Layout,
    by_channel,
    channel_axes,
    find_layout,
    prepared_shape,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

    Moments: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]

__all__ = ["Standardize", "Standardizer"]

MOST_ROWS = 20_000
"""Largest number of rows of a domain for its mean and variance."""
BLOCK_NUMBERS = 1 << 19
"""Numbers that are converted to float64 at a time."""
FILE = "standardize.safetensors"


@final
class Standardizer(InputStage):
    """Standardize raw rows inside a network.

    Parameters
    ----------
    mean, scale
        (d,) for features, (C, 1) or (C, 1, 1) for channels; arithmetic is in their dtype.
    layout
        Of a row: (d,) ``"features"``, (H, W) ``"plane"``, (C, H, W) ``"first"``, (H, W, C)
        ``"last"``, (channels, time) ``"series"``, or (time, channels) ``"steps"``.

    Notes
    -----
    Input: raw rows of any dtype. Output: float32 (B, d), (B, channels, time) or (B, C, H, W).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        """Standardize a batch."""
        if self.layout in {"last", "steps"}:
            x = x.movedim(-1, 1)
        elif self.layout == "plane":
            x = x.unsqueeze(1)
        return ((x.to(self.mean.dtype) - self.mean) / self.scale).to(torch.float32)


@final
class Standardize(StagePreparation):
    """Subtract the mean of each feature or channel and divide by its standard deviation.

    Mean and variance are those of an equal mixture of all domains, estimated on at most 20000 rows
    of each, drawn by content. A constant feature is only centred; in pictures of bytes it is also
    divided by 255.

    Parameters
    ----------
    layout
        Channels of 3-D rows: ``"first"``, ``"last"``, or ``"auto"``: last for pictures, and for
        arrays whose last axis alone has length 1, 3 or 4; else first. Rows (a, b) are
        ``"pictures"``, grey ones, or ``"series"``, whose shorter axis are the channels;
        ``"first"`` and ``"last"`` are series with the channels there. By default they are series if
        the longer axis has at least 16 steps and more than three times the shorter one's, sounds
        and pictures of bytes excepted.

    Attributes
    ----------
    mean_, scale_
        (d,) or (C,), float64, in the units of the input.
    layout_
        Of a row.

    Examples
    --------
    >>> from fourfold.data.rows import as_rows
    >>> rows = as_rows([[1.0, 5.0], [3.0, 5.0]])
    >>> Standardize().fit(rows).transform(rows).sample(2)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    layout: Literal["auto", "first", "last", "pictures", "series"] = "auto"

    def _learn_arrays(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        self.layout_: Layout = find_layout(rows[0], self.layout)
        means, variances = np.stack([_moments(part, self.layout_) for part in rows], axis=1)
        self.mean_: NDArray[np.float64] = means.mean(axis=0)
        variance = (variances + (means - self.mean_) ** 2).mean(axis=0)
        if not np.isfinite(variance).all():
            raise DataError("numbers must be small enough to be squared; got some beyond 1e150")
        bytes_ = rows[0].dtype == np.uint8 and self.layout_ != "features"
        unit = 255.0 if bytes_ or rows[0].kind == "pictures" else 1.0
        spread = np.sqrt(variance)
        constant = spread <= 10 * np.finfo(np.float64).eps * np.abs(self.mean_)
        self.scale_: NDArray[np.float64] = np.where(constant, unit, spread)
        return prepared_shape(self.row_shape_, self.layout_)

    def module(self) -> Standardizer:
        """Return the transform as the first layer of a network of raw rows.

        Features, which may be large, are computed in float64; channels in float32.
        """
        check_is_fitted(self)
        mean, scale = torch.tensor(self.mean_), torch.tensor(self.scale_)
        if self.layout_ != "features":
            axes = channel_axes(self.row_shape_, self.layout_, raw=False)
            mean, scale = (part.float().reshape(axes) for part in (mean, scale))
        return Standardizer(mean, scale, self.layout_)

    def example(self, n: int) -> NDArray[Any]:
        channels = channel_axes(self.row_shape_, self.layout_, raw=True)
        mean, scale = self.mean_.reshape(channels), self.scale_.reshape(channels)
        rows = np.random.default_rng(0).standard_normal((n, *self.row_shape_)) * scale + mean
        return rows.astype(np.float32)

    def describe(self) -> str:
        each = "feature" if self.layout_ == "features" else "channel"
        if self.layout_ in {"series", "steps"}:
            each = f"channel of series ({self.shape_[0]} of {self.shape_[1]} steps)"
        return f"each {each} with mean 0 and standard deviation 1 over all domains"

    def config(self) -> dict[str, Any]:
        about = {"row_shape": list(self.row_shape_), "layout": self.layout_}
        return {**about, "white": self.white_}

    def state(self) -> dict[str, NDArray[Any]]:
        return {"mean": self.mean_, "scale": self.scale_}

    def _write(self, folder: Path) -> None:
        save_file(self.state(), folder / FILE)

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        saved = load_file(folder / FILE)
        self.row_shape_, self.layout_ = tuple(config["row_shape"]), config["layout"]
        self.mean_, self.scale_ = saved["mean"], saved["scale"]
        self.white_, self.spoken_ = config["white"], False
        if self.shape_ != prepared_shape(self.row_shape_, self.layout_):
            raise BundleError("a saved preparation must agree with itself; its shapes do not")


def _moments(rows: Rows, layout: Layout) -> Moments:
    """Compute mean and variance in one pass, block by block (Chan, Golub & LeVeque, 1979)."""
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    some = rows.subset(rows.draw(MOST_ROWS))
    size = max(1, BLOCK_NUMBERS // max(1, int(np.prod(rows.shape))))
    with np.errstate(over="ignore", invalid="ignore"):  # refused by the caller
        for block in some.blocks(size):
            check_finite(block, "the input X")
            x = by_channel(block, layout)
            here = x.mean(axis=0)
            step = here - mean
            total = count + len(x)
            mean = mean + step * (len(x) / total)
            squares = squares + ((x - here) ** 2).sum(axis=0) + step**2 * (count * len(x) / total)
            count = total
    return mean, squares / count
