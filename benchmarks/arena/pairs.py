"""All pairs of the arena."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.arena import others, pictures, sounds, tables, texts

if TYPE_CHECKING:
    from benchmarks.arena.task import Pair

__all__ = ["PAIRS"]

PAIRS: Final[list[Pair]] = [
    *tables.PAIRS,
    *pictures.PAIRS,
    *texts.PAIRS,
    *sounds.PAIRS,
    *others.PAIRS,
]
