"""Prediction in blocks of one size, for values that do not depend on the other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["as_tensor", "in_blocks", "trimmed"]

BLOCK: Final = 32


def as_tensor(block: NDArray[Any]) -> Tensor:
    """Convert rows to a tensor, on the same memory if possible.

    Read-only memory is copied, because tensors are writable. So are types unknown to torch: another
    byte order, or more than 64 bits.
    """
    wide = block.dtype.kind == "f" and block.dtype.itemsize > 8
    native = np.ascontiguousarray(block, "f8" if wide else block.dtype.newbyteorder("="))
    return torch.from_numpy(native if native.flags.writeable else native.copy())


def in_blocks(module: nn.Module, rows: Rows, *after: nn.Module) -> NDArray[np.float32]:
    """Predict all rows in blocks of one size, the last one padded with zeros.

    Kernels differ with the size of a matrix product; in blocks of one size ``f(X)[i]`` equals
    ``f(X[i : i + 1])`` bit for bit. If a kernel also treats the rows of a block differently, by
    their place in memory, a block of its module is one row.

    The module, from (B, ...) to (B, k), and those that take its values ``after`` it are put in
    evaluation mode; the values are (n, k). Utterances are predicted one by one, as long as they
    are: an array of n arrays.
    """
    modules = (module, *after)
    for part in modules:
        part.eval()
    device = next((p.device for part in modules for p in part.parameters()), torch.device("cpu"))
    if rows.padded:
        return _utterances(modules, rows, device)
    outputs: list[Tensor] = []
    with torch.inference_mode():
        for block in rows.blocks(BLOCK):
            x = _padded(as_tensor(block), device)
            for part in modules:
                x = part(x) if _is_even(part, x) else _one_by_one(part, x[: len(block)])
            outputs.append(x[: len(block)].float().cpu())
    return torch.cat(outputs).numpy()


def trimmed(x: Tensor, step: int = 1) -> Tensor:
    """Cut utterances (B, channels, T) off behind the last frame that is not zero in all.

    Their length is a multiple of ``step`` as far as there are frames.
    """
    there = (x != 0).flatten(0, 1).any(0).nonzero()
    last = int(there[-1]) + 1 if len(there) else 1
    return x[..., : -(-last // step) * step].contiguous()


def _utterances(modules: Sequence[nn.Module], rows: Rows, device: torch.device) -> NDArray[Any]:
    found = np.empty(rows.n, object)
    with torch.inference_mode():
        for at in range(rows.n):
            x = trimmed(as_tensor(rows.take(np.array([at])))).to(device)
            for part in modules:
                x = part(x)
            found[at] = x[0].float().cpu().numpy()
    return found


def _one_by_one(module: nn.Module, x: Tensor) -> Tensor:
    values = torch.cat([module(row.clone()) for row in torch.split(x, 1)])
    return _padded(values, x.device)


def _padded(x: Tensor, device: torch.device) -> Tensor:
    """Copy rows (b, ...) to a new tensor (BLOCK, ...), padded with zeros."""
    full = x.new_zeros(BLOCK, *x.shape[1:])
    full[: len(x)] = x
    return full.to(device)


_even: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], bool]] = WeakKeyDictionary()


def _is_even(module: nn.Module, like: Tensor) -> bool:
    """Return whether a row's value is bit-equal in all places of a block; tested once."""
    known = _even.setdefault(module, {})
    key = (like.shape[1:], like.dtype, like.device, torch.get_num_threads())
    if key not in known:
        numbers = np.random.default_rng(0).normal(0, 50, (BLOCK, *like.shape[1:]))
        probe = torch.from_numpy(numbers).to(like.device, like.dtype)
        moved = module(probe.roll(1, 0))
        known[key] = torch.equal(module(probe).roll(1, 0), moved)
    return known[key]
