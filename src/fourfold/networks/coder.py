"""Coder: sparse codes of picture windows, or of whole rows, as features."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Final, final

import annotated_types as at
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.sparse_coding import SparseCodes
from fourfold.core.parameters import Positive, PositiveInt
from fourfold.errors import DataError
from fourfold.networks.builder import Body, Builder

__all__ = ["CURVE", "Coder", "CodesAndInput", "Windows"]

CURVE: Final = 21
"""Points of the dictionary's learning curve that are kept."""
FLAT: Final = 0.01
"""Added to the variance of a window of standardized inputs."""
ROUNDING: Final = 1e-5
"""Bound of what float32 leaves of a blank window after centring."""


@final
class Windows(nn.Module):
    """Cut rows into normalized windows: (B, ...) to (B·P, d).

    Without windows, each row is divided by the rows' mean length. A picture's windows are centred,
    divided by their standard deviation, multiplied by a whitening matrix, and scaled to length 1;
    blank ones stay zero (Coates & Ng 2011).

    Attributes
    ----------
    length
        () mean length of the rows.
    turn
        (d, d) whitening matrix.
    grid
        Rows and columns of windows in a picture.
    """

    length: Tensor
    turn: Tensor

    def __init__(self, shape: tuple[int, ...], window: tuple[int, ...] | None, stride: int) -> None:
        super().__init__()
        self.window = window
        self.stride = stride
        self.grid: tuple[int, int] = (1, 1)
        if window is None:
            self.width = math.prod(shape)
        else:
            sizes = zip(shape[1:], window, strict=True)
            down, right = ((outer - inner) // stride + 1 for outer, inner in sizes)
            self.grid = (down, right)
            self.width = shape[0] * math.prod(window)
        self.register_buffer("length", torch.ones(()))
        self.register_buffer("turn", torch.eye(self.width if window is not None else 0))

    def forward(self, x: Tensor) -> Tensor:
        if self.window is None:
            return x.flatten(1) / self.length
        return F.normalize(self.contrast_normalized(x) @ self.turn, dim=1, eps=1e-3)

    def contrast_normalized(self, x: Tensor) -> Tensor:
        """Cut out windows and normalize their brightness and contrast."""
        cut = F.unfold(x, self.window or (), stride=self.stride)  # (B, d, P)
        each = cut.transpose(1, 2).flatten(0, 1)
        centred = each - each.mean(1, keepdim=True)
        centred = centred * (centred.abs() > ROUNDING)  # blank windows stay zero
        return centred / (centred.square().mean(1, keepdim=True) + FLAT).sqrt()

    def count(self, x: Tensor) -> int:
        """Count the windows of some rows."""
        return len(x) * math.prod(self.grid)


@final
class CodesAndInput(nn.Module):
    """Sparse codes of a row's windows, averaged over quadrants, and optionally the row itself.

    Codes and rows are each divided by their root mean square, ``scales``, so that an L2 penalty
    treats both alike. Options are those of :class:`Coder`.
    """

    scales: Tensor
    curve: Tensor

    def __init__(
        self, windows: Windows, codes: SparseCodes, *, split_sign: bool, keep_input: bool
    ) -> None:
        super().__init__()
        self.windows = windows
        self.codes = codes
        self.split_sign = split_sign
        self.keep_input = keep_input
        self.register_buffer("scales", torch.ones(2))
        self.register_buffer("curve", torch.zeros(CURVE))

    @property
    def regions(self) -> list[tuple[slice, slice]]:
        """The pooling regions: quadrants, or halves of a single row or column of windows."""
        halves = [
            [slice(0, -(-n // 2)), slice(n // 2, n)] if n > 1 else [slice(0, 1)]
            for n in self.windows.grid
        ]
        return [(down, right) for down in halves[0] for right in halves[1]]

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        pooled = self.pooled(x) / self.scales[0]
        return torch.cat([pooled, x.flatten(1) / self.scales[1]], 1) if self.keep_input else pooled

    def pooled(self, x: Tensor) -> Tensor:
        """Code rows (B, ...) and average over regions: (B, regions · k)."""
        a = self.codes(self.windows(x))
        if self.split_sign:
            a = torch.cat([a.clamp(min=0), (-a).clamp(min=0)], 1)
        planes = a.unflatten(0, (-1, *self.windows.grid))  # (B, down, right, k)
        return torch.cat([planes[:, down, right].mean((1, 2)) for down, right in self.regions], 1)


@final
class Coder(Builder):
    """Sparse codes by a dictionary that is learnt later.

    Parameters
    ----------
    n_components
        Atoms of the dictionary.
    alpha
        λ, for windows of length 1.
    tolerance
        Of the codes' optimality conditions, as a fraction of λ.
    window
        Height and width of the coded windows of pictures; None codes whole rows.
    stride
        From one window to the next.
    split_sign
        Whether positive and negative parts of codes are separate features.
    keep_input
        Whether the row itself follows its codes.

    Examples
    --------
    >>> coder = Coder(n_components=16, window=(5, 5), stride=1, keep_input=False, split_sign=False)
    >>> coder.build((1, 8, 8)).width
    64
    """

    n_components: PositiveInt = 256
    alpha: Positive = 0.1
    tolerance: Positive = 1e-4
    window: tuple[Annotated[int, at.Ge(1)], ...] | None = None
    stride: PositiveInt = 3
    split_sign: bool = True
    keep_input: bool = True

    renamed: ClassVar[dict[str, str]] = {
        "atoms": "n_components",
        "penalty": "alpha",
        "split": "split_sign",
    }

    def _build(self, shape: tuple[int, ...]) -> Body:
        window = None if self.window is None else tuple(self.window)
        if window is not None:
            fits = len(shape) == 3 and len(window) == 2
            if not fits or any(w > s for w, s in zip(window, shape[1:], strict=True)):
                raise DataError(
                    f"windows of height and width {window} must fit into pictures; got rows of "
                    f"shape {shape}"
                )
        windows = Windows(shape, window, self.stride)
        atoms = torch.zeros(self.n_components, windows.width)
        codes = SparseCodes(atoms, self.alpha, self.tolerance)
        module = CodesAndInput(
            windows, codes, split_sign=self.split_sign, keep_input=self.keep_input
        )
        width = len(module.regions) * self.n_components * (2 if self.split_sign else 1)
        return Body({"codes": module}, width + (math.prod(shape) if self.keep_input else 0))
