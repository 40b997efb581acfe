"""Prediction in blocks of one size, for values that do not depend on the other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.frozen.padding import alike, trimmed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["BLOCK", "SEQUENCES", "as_tensor", "in_blocks", "trimmed_frames"]

BLOCK: Final = 32
"""Rows of a block."""
SEQUENCES: Final = 8
"""Rows of a block of sequences."""


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
    with torch.inference_mode():
        if rows.spoken:
            return _utterances(modules, rows, device)
        if rows.padded:
            return _by_length(modules, rows, device)
        return torch.cat(
            [_outputs(modules, as_tensor(block), BLOCK, device) for block in rows.blocks(BLOCK)]
        ).numpy()


def trimmed_frames(x: Tensor, step: int = 1) -> Tensor:
    """Cut utterances (B, channels, T) off behind the last frame that is not zero in all.

    Their length is a multiple of ``step`` as far as there are frames.
    """
    there = (x != 0).flatten(0, 1).any(0).nonzero()
    last = int(there[-1]) + 1 if len(there) else 1
    return x[..., : -(-last // step) * step].contiguous()


def _utterances(modules: Sequence[nn.Module], rows: Rows, device: torch.device) -> NDArray[Any]:
    """Predict utterances one by one."""
    found = np.empty(rows.n, object)
    for at in range(rows.n):
        x = trimmed_frames(as_tensor(rows.take(np.array([at])))).to(device)
        for part in modules:
            x = part(x)
        found[at] = x[0].float().cpu().numpy()
    return found


def _by_length(
    modules: Sequence[nn.Module], rows: Rows, device: torch.device
) -> NDArray[np.float32]:
    """Predict sequences, those of a like length in one block."""
    outputs: list[NDArray[np.float32]] = []
    for block in rows.blocks():
        parts = alike(block, SEQUENCES)
        values = [
            _outputs(modules, as_tensor(trimmed(block[part])), SEQUENCES, device).numpy()
            for part in parts
        ]
        back = np.argsort(np.concatenate(parts), kind="stable")
        outputs.append(np.concatenate(values)[back])
    return np.concatenate(outputs)


def _outputs(modules: Sequence[nn.Module], rows: Tensor, size: int, device: torch.device) -> Tensor:
    """Predict one block of at most so many rows."""
    x = _padded(rows, size, device)
    for part in modules:
        x = part(x) if _is_even(part, x) else _one_by_one(part, x, len(rows))
    return x[: len(rows)].float().cpu()


def _one_by_one(module: nn.Module, x: Tensor, n: int) -> Tensor:
    values = torch.cat([module(row.clone()) for row in torch.split(x[:n], 1)])
    return _padded(values, len(x), x.device)


def _padded(x: Tensor, size: int, device: torch.device) -> Tensor:
    """Copy rows (b, ...) to a new tensor (size, ...), padded with zeros.

    Pictures are channels last, as in training: convolutions take two thirds of the time.
    """
    full = x.new_zeros(size, *x.shape[1:])
    full[: len(x)] = x
    layout = torch.channels_last if full.ndim == 4 else torch.contiguous_format
    return full.to(device).contiguous(memory_format=layout)


_even: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], bool]] = WeakKeyDictionary()


def _is_even(module: nn.Module, like: Tensor) -> bool:
    """Return whether a row's value is bit-equal in all places of a block; tested once.

    Rows of whole numbers may be tokens: each is tested with whole numbers of its own range.
    """
    known = _even.setdefault(module, {})
    key = (like.shape, like.dtype, like.device, torch.get_num_threads())
    if key not in known:
        random = np.random.default_rng(0)
        if like.dtype != torch.uint8 and torch.equal(like, like.round()):
            low, high = (end.cpu().numpy() for end in (like.amin(0), like.amax(0)))
            numbers = low + np.floor(random.random(like.shape) * (high - low + 1))
        else:
            numbers = random.normal(0, 50, like.shape)
        probe = torch.empty_like(like).copy_(torch.from_numpy(numbers))
        moved = module(probe.roll(1, 0))
        known[key] = torch.equal(module(probe).roll(1, 0), moved)
    return known[key]
