"""Prediction in blocks of one size, so that a row's value does not depend on its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.rows import Rows

__all__ = ["as_tensor", "in_blocks", "pad"]

BLOCK: Final = 32


def as_tensor(block: NDArray[Any]) -> Tensor:
    """Make a tensor of rows, in the memory they lie in where torch can use that.

    It is copied where it is read-only, which tensors never are, and where torch lacks its type:
    another machine's byte order, or more than 64 bits.
    """
    wide = block.dtype.kind == "f" and block.dtype.itemsize > 8
    native = np.ascontiguousarray(block, "f8" if wide else block.dtype.newbyteorder("="))
    return torch.from_numpy(native if native.flags.writeable else native.copy())


def pad(block: NDArray[Any], size: int) -> NDArray[Any]:
    """Fill a block up with rows of zeros: (b, ...) to (size, ...), b ≤ size."""
    if len(block) == size:
        return block
    full = np.zeros((size, *block.shape[1:]), block.dtype)
    full[: len(block)] = block
    return full


def in_blocks(module: nn.Module, rows: Rows, *, block: int = BLOCK) -> NDArray[np.float32]:
    """Pass all rows through a network, always ``block`` of them at a time, zeros at the end.

    Matrix products take other paths through the processor for other sizes; in blocks of one size
    ``f(X)[i]`` equals ``f(X[i : i + 1])``.

    Parameters
    ----------
    module
        From (B, ...) to (B, k); it is put in evaluation mode.
    rows
        (n, ...).

    Returns
    -------
    ndarray
        (n, k) of float32.
    """
    module.eval()
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    outputs: list[Tensor] = []
    with torch.inference_mode():
        for part in rows.blocks(block):
            x = as_tensor(pad(part, block)).to(device)
            outputs.append(module(x)[: len(part)].float().cpu())
    return torch.cat(outputs).numpy()
