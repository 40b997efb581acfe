"""Spoken digits: from five speakers to the sixth."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks import data
from benchmarks.arena.task import Case, Pair, Rows, draw_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PAIRS", "spoken"]

SPEAKERS: Final = ("george", "lucas", "theo")
NUMBERS: Final = 20
"""Utterances of each digit by each speaker of the source."""


def spoken(speaker: str) -> tuple[Rows, Rows]:
    """Return utterances of the others, and all of one speaker."""
    paths, digits, speakers = data.spoken_digits()
    number = np.array([int(path.stem.rsplit("_", 1)[1]) for path in paths])
    others = np.flatnonzero((speakers != speaker) & (number < NUMBERS))
    return _rows(digits, others), _rows(digits, np.flatnonzero(speakers == speaker))


def _rows(digits: NDArray[np.int64], index: NDArray[np.intp]) -> Rows:
    """Return sounds that are decoded when they are read, as a folder's are."""
    from fourfold.readers.media.decoded import EncodedFiles
    from fourfold.readers.media.sounds import SoundRows

    paths, _, _ = data.spoken_digits()
    return Rows(SoundRows(EncodedFiles([paths[i] for i in index], "sound")), digits[index])


def _build(speaker: str, each: int, draw: int) -> Case:
    random = np.random.default_rng(draw)
    source, own = spoken(speaker)
    assert own.y is not None
    few = draw_each(own.y, each, random)
    rest = np.setdiff1d(np.arange(len(own.y)), few)
    target, evaluate = (Rows(own.X.subset(part), own.y[part]) for part in (few, rest))
    return Case(source, target, evaluate)


PAIRS: Final = [
    Pair(
        name=f"speakers-{speaker}",
        family="speech",
        group="sounds",
        metric="accuracy",
        budgets=(1, 3, 5),
        draws=2,
        build=partial(_build, speaker),
        each=True,
    )
    for speaker in SPEAKERS
]
