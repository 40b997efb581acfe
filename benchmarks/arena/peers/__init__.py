"""Peers: scripts of a practitioner with scikit-learn and LightGBM, one function a kind.

Each takes the same data as a study and returns, by name, answers on the rows to evaluate on, whose
labels it never sees, and a loss by its own cross-validation on what it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.arena.peers import adapted, clustered, described, labelled, selftaught, tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.arena.peers.base import Found
    from benchmarks.arena.task import Case

__all__ = ["SCRIPTS"]

SCRIPTS: Final[dict[str, Callable[[Case], dict[str, Found]]]] = {
    "tables": tables.script,
    "pictures": labelled.script,
    "sounds": labelled.script,
    "texts": labelled.script_of_texts,
    "sentences": labelled.script_of_sentences,
    "adaptation": adapted.script,
    "selftaught": selftaught.script,
    "zeroshot": described.script,
    "clustering": clustered.script,
}
"""Kind of data → its peers."""
