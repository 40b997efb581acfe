"""Tables of rows, and streams of their shuffled batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias, final

import numpy as np
import torch
from torch import Tensor

from fourfold.data.rows import ArrayRows, Rows
from fourfold.errors import DataError
from fourfold.frozen.blocks import as_tensor, trimmed_frames
from fourfold.frozen.padding import trimmed

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from fourfold.training.augmentation import Augmenter
    from fourfold.training.recipe import Recipe

__all__ = ["Batch", "Sampler", "Stream", "Table"]

LOADED_BYTES: Final = 1 << 27
"""Size up to which rows are read into memory rather than batch by batch."""
AT_ONCE: Final = 256
"""Utterances whose lengths are measured at once."""
STEP: Final = 6
"""Frames of whose multiple batches are long: kernels are prepared anew for each length."""
SPREAD: Final = 0.1
"""Range of the random factors of lengths by which utterances are sorted into batches."""
GOLDEN: Final = (5**0.5 - 1) / 2

Sampler: TypeAlias = Callable[[torch.Generator, int], Iterator[Tensor]]
"""From a random generator and a batch size to endless positions of batches, such as episodes.

Its whole state must be in the generator, so that a killed training can be resumed.
"""


@final
@dataclass
class Batch:
    """Rows of one table in one step: x, y and z (B, ...); y and z may be empty.

    Weights of the rows are (B,); None where all are alike. ``mixup`` is the α by which a loss of
    labels mixes rows; 0 for none.
    """

    x: Tensor
    y: Tensor
    z: Tensor = field(default_factory=lambda: torch.empty(0))
    weight: Tensor | None = None
    mixup: float = 0.0


@final
@dataclass
class Table:
    """Rows with their labels for a training.

    Parameters
    ----------
    x
        A tensor in memory (N, ...), or Rows read batch by batch.
    y
        (N, ...) labels encoded by a task; None without labels.
    z
        (N, ...) other values of each row, such as outputs of a teacher.
    weight
        (N,) weights of the rows in the loss, 1 on average; None where all are alike.
    batch_size
        Batch size in place of the recipe's.
    sampler
        Sampler of batches in place of shuffled passes, such as episodes.
    augment
        Random changes of rows in training.
    views
        Drawn views of all rows, of which a batch in training reads one for each row.
    """

    x: Tensor | Rows
    y: Tensor | None = None
    z: Tensor | None = None
    weight: Tensor | None = None
    batch_size: int | None = None
    sampler: Sampler | None = None
    augment: Augmenter | None = None
    views: Sequence[Rows] = ()

    def __post_init__(self) -> None:
        self.spoken = isinstance(self.x, Rows) and self.x.spoken
        self._padded = isinstance(self.x, Rows) and self.x.padded
        if isinstance(self.x, Rows):
            self.x = _in_memory(self.x)

    @cached_property
    def lengths(self) -> Tensor | None:
        """Frames of each utterance, (N,); None for other rows."""
        if not self.spoken:
            return None
        blocks = torch.split(torch.arange(self.n), AT_ONCE)
        return torch.cat([_lengths(self._x(index)) for index in blocks])

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.x.n if isinstance(self.x, Rows) else len(self.x)

    def batch(self, index: Tensor, device: torch.device, *, training: bool = False) -> Batch:
        """Read the rows at these positions, no further than the longest of them goes.

        In training they are changed at random, where the table says so.
        """
        x = self._drawn(index) if training and self.views else self._x(index)
        if training and self.augment is not None:
            x = self.augment(x)
        if self.spoken:
            x = trimmed_frames(x, STEP)
        elif self._padded:
            x = as_tensor(trimmed(x.numpy()))
        y, z = (
            torch.empty(0) if known is None else known.index_select(0, index)
            for known in (self.y, self.z)
        )
        x, y, z = (part.to(device, non_blocking=True) for part in (x, y, z))
        batch = Batch(x, y, z)
        if self.weight is not None:
            batch.weight = self.weight.index_select(0, index).to(device, non_blocking=True)
        if training and self.augment is not None:
            batch.mixup = self.augment.augmentation.mixup
        return batch

    def _drawn(self, index: Tensor) -> Tensor:
        """Read a view of each row, drawn at random."""
        choice = torch.randint(len(self.views), index.shape)
        chosen = sorted(set(choice.tolist()))
        taken = [self.views[view].take(index[choice == view].numpy()) for view in chosen]
        return as_tensor(np.concatenate(taken))[choice.argsort(stable=True).argsort()]

    def _x(self, index: Tensor) -> Tensor:
        if isinstance(self.x, Rows):
            return as_tensor(self.x.take(index.numpy()))
        return self.x.index_select(0, index)  # twice as fast as x[index]


def _lengths(x: Tensor) -> Tensor:
    """Return the frames of utterances x (B, channels, T) up to the last that is not zero, (B,)."""
    frames = torch.arange(1, x.shape[2] + 1)
    return ((x != 0).any(1) * frames).amax(1)


def _in_memory(rows: Rows) -> Tensor | Rows:
    """Convert rows to a tensor if they are in memory already, or few enough."""
    array = rows.in_memory if isinstance(rows, ArrayRows) else None
    if array is not None and array.flags.carray and array.dtype.isnative:
        return as_tensor(array)  # on the same memory
    if rows.n * rows.row_bytes > LOADED_BYTES:
        return rows
    return as_tensor(rows.take(np.arange(rows.n)))


@final
class Stream:
    """Endless batches of one table in shuffled passes; a batch of utterances is of like lengths."""

    def __init__(self, table: Table, recipe: Recipe, fabric: Fabric) -> None:
        self.rank, self.world_size = fabric.global_rank, fabric.world_size
        self.device = fabric.device
        size = min(table.batch_size or recipe.batch_size, table.n)
        self.size = size - size % self.world_size
        if self.size == 0:
            raise DataError(
                f"a table must have a row for each of {self.world_size} processes; got {table.n}"
            )
        self.table = table
        self.steps = math.ceil(table.n / self.size)
        seed = fabric.broadcast(int(torch.randint(2**62, ())))  # the first process draws for all
        self.generator = torch.Generator().manual_seed(seed)
        self.waiting = torch.empty(0, dtype=torch.int64)
        self.drawn = None if table.sampler is None else table.sampler(self.generator, self.size)

    def next(self) -> Batch:
        """Read this process's share of the next batch."""
        index = self._shuffled() if self.drawn is None else next(self.drawn)
        return self.table.batch(index[self.rank :: self.world_size], self.device, training=True)

    def _shuffled(self) -> Tensor:
        while len(self.waiting) < self.size:
            self.waiting = torch.cat([self.waiting, self._pass()])
        index, self.waiting = self.waiting[: self.size], self.waiting[self.size :]
        return index

    def _pass(self) -> Tensor:
        """Return all positions in a random order, utterances in batches by their lengths.

        Batches go through the lengths in the steps of the golden ratio, so that those of several
        tables in one step are about equally long.
        """
        lengths = self.table.lengths
        if lengths is None:
            return torch.randperm(self.table.n, generator=self.generator)
        spread = torch.rand(len(lengths), generator=self.generator) - 0.5
        batches = torch.split((lengths * (1 + SPREAD * spread)).argsort(), self.size)
        whole = len(lengths) // self.size
        places = (torch.arange(1, whole + 1) * GOLDEN % 1).argsort().argsort()
        return torch.cat([*(batches[int(at)] for at in places), *batches[whole:]])
