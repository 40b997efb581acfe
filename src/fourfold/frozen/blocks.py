"""Prediction in blocks of one size, for values that do not depend on the other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["as_tensor", "in_blocks"]

BLOCK: Final = 32


def as_tensor(block: NDArray[Any]) -> Tensor:
    """Convert rows to a tensor, on the same memory if possible.

    Read-only memory is copied, because tensors are writable. So are types unknown to torch: another
    byte order, or more than 64 bits.
    """
    wide = block.dtype.kind == "f" and block.dtype.itemsize > 8
    native = np.ascontiguousarray(block, "f8" if wide else block.dtype.newbyteorder("="))
    return torch.from_numpy(native if native.flags.writeable else native.copy())


def in_blocks(module: nn.Module, rows: Rows) -> NDArray[np.float32]:
    """Predict all rows in blocks of one size, the last one padded with zeros.

    Kernels differ with the size of a matrix product; in blocks of one size ``f(X)[i]`` equals
    ``f(X[i : i + 1])`` bit for bit. If a kernel also treats the rows of a block differently, by
    their place in memory, a block is one row.

    The module, from (B, ...) to (B, k), is put in evaluation mode; the values are (n, k).
    """
    module.eval()
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    outputs: list[Tensor] = []
    with torch.inference_mode():
        for part in rows.blocks(BLOCK):
            x = as_tensor(part)
            size = BLOCK if _is_even(module, x, device) else 1
            for start in range(0, len(x), size):
                few = x[start : start + size]
                outputs.append(module(_padded(few, size, device))[: len(few)].float().cpu())
    return torch.cat(outputs).numpy()


def _padded(x: Tensor, size: int, device: torch.device) -> Tensor:
    """Copy rows (b, ...) to a new tensor (size, ...), padded with zeros."""
    full = torch.zeros(size, *x.shape[1:], dtype=x.dtype)
    full[: len(x)] = x
    return full.to(device)


_even: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], bool]] = WeakKeyDictionary()


def _is_even(module: nn.Module, like: Tensor, device: torch.device) -> bool:
    """Return whether a row's value is bit-equal in all places of a block; tested once."""
    known = _even.setdefault(module, {})
    key = (like.shape[1:], like.dtype, device, torch.get_num_threads())
    if key not in known:
        numbers = np.random.default_rng(0).normal(0, 50, (BLOCK, *like.shape[1:]))
        probe = torch.from_numpy(numbers).to(device, like.dtype)
        moved = module(probe.roll(1, 0))
        known[key] = torch.equal(module(probe).roll(1, 0), moved)
    return known[key]
