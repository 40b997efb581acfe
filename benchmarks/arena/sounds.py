"""Spoken digits: from five speakers to the sixth."""

from __future__ import annotations

from functools import cache, partial
from typing import Final

import numpy as np

from benchmarks import data
from benchmarks.arena.task import Case, Pair, Rows, draw_each

__all__ = ["PAIRS", "utterances"]

SPEAKERS: Final = ("george", "lucas", "theo")
NUMBERS: Final = 20
"""Utterances of each digit by each speaker of the source."""


@cache
def utterances() -> Rows:
    """Return all spoken digits, as a folder of them is read: decoded when they are needed."""
    from fourfold.readers.media.decoded import EncodedFiles
    from fourfold.readers.media.sounds import SoundRows

    paths, digits, _ = data.spoken_digits()
    return Rows(SoundRows(EncodedFiles(paths, "sound")), digits)


def _build(speaker: str, each: int, draw: int) -> Case:
    random = np.random.default_rng(draw)
    paths, digits, speakers = data.spoken_digits()
    number = np.array([int(path.stem.rsplit("_", 1)[1]) for path in paths])
    own = np.flatnonzero(speakers == speaker)
    few = own[draw_each(digits[own], each, random)]
    others = np.flatnonzero((speakers != speaker) & (number < NUMBERS))
    piles = (others, few, np.setdiff1d(own, few))
    return Case(*(utterances().at(pile) for pile in piles))


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
