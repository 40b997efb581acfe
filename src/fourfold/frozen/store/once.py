"""Computation at most once: by the store in use, else in memory."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, final

import torch

from fourfold.data.rows import ArrayRows
from fourfold.frozen.blocks import BLOCK, SEQUENCES
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.ragged import value_bytes
from fourfold.frozen.store.stored_rows import StoredRows, check_tap, derived_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import nn

    from fourfold.data.rows import Rows
    from fourfold.frozen.store.store import Store

__all__ = ["active", "compute_once", "frozen_rows", "using"]

MEMORY_BYTES: Final = 1 << 30
"""Size of the values that a process keeps in memory."""

_active: ContextVar[Store | None] = ContextVar("store", default=None)


@contextmanager
def using(store: Store | None) -> Iterator[None]:
    """Use a store for :func:`compute_once` inside a block; None for memory."""
    token = _active.set(store)
    try:
        yield
    finally:
        _active.reset(token)


def active() -> Store | None:
    """Return the store in use, or None."""
    return _active.get()


def compute_once(frozen: Frozen, rows: Rows, tap: str = "output") -> Rows:
    """Return the values of a frozen function, computed at most once.

    With a store in use they are computed when first read. Otherwise they are computed now, and kept
    in the memory of this process as long as there is room. A tap that the function lacks is a
    ParameterError.
    """
    return (active() or _memory).rows(frozen, rows, tap)


def frozen_rows(module: nn.Module, rows: Rows) -> Rows:
    """Return the outputs of a frozen network as rows, computed once.

    By torch: an export for another engine takes longer than a few rows do.
    """
    dtype = torch.int32 if rows.padded and rows.dtype.kind == "i" else torch.float32
    block = SEQUENCES if rows.padded else BLOCK
    found = compute_once(Frozen(module, engine="torch", block=block, dtype=dtype), rows)
    found.spoken = rows.spoken
    return found


@final
class _Memory:
    """Values computed without a store, the most recently used last."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held: OrderedDict[tuple[str, str], dict[str, NDArray[Any]]] = OrderedDict()
        self._bytes = 0

    def rows(self, frozen: Frozen, rows: Rows, tap: str) -> Rows:
        check_tap(frozen, tap)
        function = frozen.key
        name = (function, rows.digest)
        values = self._held.get(name)
        if values is None:
            values = frozen.compute(rows)
            self._keep(name, values)
        else:
            self._held.move_to_end(name)
        keys = derived_keys(function, tap, rows.keys)
        if values[tap].dtype == object:
            return StoredRows.in_memory(values[tap], keys)
        found = ArrayRows(values[tap], padded=rows.padded and values[tap].ndim > 2)
        found.keys = keys
        return found

    def _keep(self, name: tuple[str, str], values: dict[str, NDArray[Any]]) -> None:
        self._held[name] = values
        self._bytes += sum(map(value_bytes, values.values()))
        while self._bytes > self.max_bytes:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= sum(map(value_bytes, dropped.values()))


_memory = _Memory(MEMORY_BYTES)
