"""Sparse codes as features: windows of a picture, or whole rows, by the atoms of a dictionary."""

from __future__ import annotations

import math
from typing import Annotated, Final, final

import annotated_types as at
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.sparse_codes import SparseCodes
from fourfold.core.parameters import Positive, PositiveInt
from fourfold.errors import DataError
from fourfold.networks.builder import Body, Builder

__all__ = ["CURVE", "Coder", "CodesAndInput", "Windows"]

CURVE: Final = 21
"""Points that are kept of the dictionary's objective over its training."""
FLAT: Final = 0.01
"""Added to a window's variance, of inputs with variance 1, before it is divided by it."""

ROUNDING: Final = 1e-5
"""What float32 may leave of a blank window's mean."""


@final
class Windows(nn.Module):
    """Cut rows into windows that are alike in length: (B, ...) to (B·P, d).

    A row without windows is one itself, divided by the rows' mean length. A picture's windows lose
    their mean and are divided by their spread, then whitened or not, and brought to length 1; blank
    ones stay zero (Coates & Ng 2011).

    Parameters
    ----------
    shape
        Of a row.
    window
        Height and width of a window; None for whole rows.
    stride
        From one window to the next.
    """

    length: Tensor
    turn: Tensor

    def __init__(self, shape: tuple[int, ...], window: tuple[int, ...] | None, stride: int) -> None:
        super().__init__()
        self.window = window
        self.stride = stride
        self.across: tuple[int, int] = (1, 1)
        if window is None:
            self.width = math.prod(shape)
        else:
            sizes = zip(shape[1:], window, strict=True)
            down, right = ((outer - inner) // stride + 1 for outer, inner in sizes)
            self.across = (down, right)
            self.width = shape[0] * math.prod(window)
        self.register_buffer("length", torch.ones(()))
        self.register_buffer("turn", torch.eye(self.width if window is not None else 0))

    def forward(self, x: Tensor) -> Tensor:
        if self.window is None:
            return x.flatten(1) / self.length
        return F.normalize(self.even(x) @ self.turn, dim=1, eps=1e-3)

    def even(self, x: Tensor) -> Tensor:
        """Cut out windows and even out their brightness and contrast."""
        cut = F.unfold(x, self.window or (), stride=self.stride)  # (B, d, P)
        each = cut.transpose(1, 2).flatten(0, 1)
        centred = each - each.mean(1, keepdim=True)
        centred = centred * (centred.abs() > ROUNDING)  # else blank ones were noise
        return centred / (centred.square().mean(1, keepdim=True) + FLAT).sqrt()

    def places(self, x: Tensor) -> int:
        """Count the windows of some rows."""
        return len(x) * math.prod(self.across)


@final
class CodesAndInput(nn.Module):
    """Rows as the sparse codes of their windows, averaged over quadrants, beside the rows.

    Parameters
    ----------
    windows
        What is coded.
    codes
        What codes it.
    split
        Whether positive and negative parts are features of their own.
    keep_input
        Whether the row itself follows its codes.

    Notes
    -----
    Both parts are divided by their root mean square, ``scales``, so that a penalty means the same.
    """

    scales: Tensor
    curve: Tensor

    def __init__(
        self, windows: Windows, codes: SparseCodes, *, split: bool, keep_input: bool
    ) -> None:
        super().__init__()
        self.windows = windows
        self.codes = codes
        self.split = split
        self.keep_input = keep_input
        self.register_buffer("scales", torch.ones(2))
        self.register_buffer("curve", torch.zeros(CURVE))

    @property
    def regions(self) -> list[tuple[slice, slice]]:
        """Return what is averaged over: quadrants, or halves of what has a single row or column."""
        halves = [
            [slice(0, -(-n // 2)), slice(n // 2, n)] if n > 1 else [slice(0, 1)]
            for n in self.windows.across
        ]
        return [(down, right) for down in halves[0] for right in halves[1]]

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        pooled = self.pooled(x) / self.scales[0]
        return torch.cat([pooled, x.flatten(1) / self.scales[1]], 1) if self.keep_input else pooled

    def pooled(self, x: Tensor) -> Tensor:
        """Code rows (B, ...) and average over regions: (B, regions · atoms)."""
        a = self.codes(self.windows(x))
        if self.split:
            a = torch.cat([a.clamp(min=0), (-a).clamp(min=0)], 1)
        planes = a.unflatten(0, (-1, *self.windows.across))  # (B, down, right, k)
        return torch.cat([planes[:, down, right].mean((1, 2)) for down, right in self.regions], 1)


@final
class Coder(Builder):
    """Sparse codes by a dictionary that is still to be learnt.

    Parameters
    ----------
    atoms
        In the dictionary.
    penalty
        λ, for windows of length 1.
    tolerance
        Of the codes' optimality conditions, as a part of λ.
    window
        Height and width of the windows of pictures that are coded; None codes whole rows.
    stride
        From one window to the next.
    split_sign
        Whether positive and negative parts of codes are features of their own.
    keep_input
        Whether the row itself follows its codes.

    Examples
    --------
    >>> coder = Coder(atoms=16, window=(5, 5), stride=1, keep_input=False, split_sign=False)
    >>> coder.build((1, 8, 8)).width
    64
    """

    atoms: PositiveInt = 256
    penalty: Positive = 0.1
    tolerance: Positive = 1e-4
    window: tuple[Annotated[int, at.Ge(1)], ...] | None = None
    stride: PositiveInt = 3
    split_sign: bool = True
    keep_input: bool = True

    def _build(self, shape: tuple[int, ...]) -> Body:
        if self.window is not None:
            fits = len(shape) == 3 and len(self.window) == 2
            if not fits or any(w > s for w, s in zip(self.window, shape[1:], strict=True)):
                raise DataError(
                    f"windows of height and width {tuple(self.window)} must fit into pictures; got "
                    f"rows of shape {shape}"
                )
        window = None if self.window is None else tuple(self.window)
        windows = Windows(shape, window, self.stride)
        codes = SparseCodes(torch.zeros(self.atoms, windows.width), self.penalty, self.tolerance)
        module = CodesAndInput(windows, codes, split=self.split_sign, keep_input=self.keep_input)
        width = len(module.regions) * self.atoms * (2 if self.split_sign else 1)
        return Body({"codes": module}, width + (math.prod(shape) if self.keep_input else 0))
