"""Sounds of speech that is transcribed: log-mel frames, as many as each utterance lasts."""

from __future__ import annotations

from functools import partial
from math import ceil
from threading import Lock
from typing import TYPE_CHECKING, Final, Self, final

import numpy as np

from fourfold.core.memory import check_fits, memory_limit
from fourfold.errors import DataError
from fourfold.readers.files import short
from fourfold.readers.media.decoded import KEEP_BYTES, DecodedRows, Items
from fourfold.readers.media.samples import RATE, rate_and_frames, read_samples
from fourfold.readers.media.sounds import SoundRows, bands_of, loudness
from fourfold.readers.media.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Rows
    from fourfold.readers.media.decoded import Encoded

__all__ = ["SpeechRows"]

SLOWEST: Final = 8000
"""Fewest samples a second of speech that can be transcribed: consonants lie up to 4 kHz."""
LONGEST: Final = 3000
"""Most frames of an utterance, 30 s."""
STEP: Final = 50
"""Frames up to whose multiple the longest utterance is padded."""
FLAT: Final = 1.0
"""Least standard deviation, in decibels, that a band is divided by."""
AT_ONCE: Final = 64
"""Utterances that are decoded at once."""


@final
class SpeechRows(DecodedRows):
    """Utterances as rows: log-mel frames, float16 (n, bands, frames), that end in zeros.

    Bands and frames are those of :class:`~fourfold.readers.media.sounds.SoundRows`. Each band of an
    utterance has mean 0 and standard deviation 1 over its frames, so that neither the level nor a
    steady channel matters. A shorter utterance than the longest ends in frames of zeros.

    Raises
    ------
    DataError
        If sounds are damaged, silent, longer than 30 s, or have less than 8,000 samples a second;
        the message names them.
    """

    kind = "speech"
    spoken = True

    @classmethod
    def of(cls, sounds: SoundRows, bands: int | None = None, frames: int = 0) -> Self:
        """Read sounds as utterances, of so many bands and of so many frames at least."""
        source, index, limit = sounds.source, sounds.index, memory_limit()
        known = source.of_all(lambda at: _checked(source, at, limit), index.tolist())
        rates, lengths = zip(*known, strict=True)
        bands = bands or bands_of(min(*rates, RATE))
        found = cls.__new__(cls)
        longest = max(frames, STEP * ceil(max(lengths) / STEP))
        DecodedRows.__init__(found, _Utterances(source, index, lengths, (bands, longest)), index)
        return found

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Frames of each utterance, (n,)."""
        return self._utterances.lengths[self._index]

    @property
    def seconds(self) -> float:
        """Length of all utterances together."""
        return float(self.lengths.sum()) / 100

    @property
    def _utterances(self) -> _Utterances:
        if not isinstance(self._items, _Utterances):
            raise TypeError("speech must be of utterances")
        return self._items

    def named(self, at: int) -> str:
        """Return the name of a row's file."""
        return self._items.source.name(int(self._index[at]))

    def fitting(self, shape: tuple[int, ...], white: float | None = None) -> Self:
        del white  # of pictures
        return self.sized((shape[0], self.shape[1]))

    @classmethod
    def one_size(cls, domains: Sequence[Rows], size: tuple[int, int] | None = None) -> list[Self]:
        """Bring several domains to the fewest bands and to the frames of the longest utterance."""
        del size  # they have that of the sounds
        speech = [rows for rows in domains if isinstance(rows, cls)]
        one = min(rows.shape[0] for rows in speech), max(rows.shape[1] for rows in speech)
        return [rows.sized(one) for rows in speech]

    def sized(self, shape: tuple[int, int]) -> Self:
        """Return the same utterances with other numbers of bands and frames."""
        return self._of(self._utterances.sized(shape), self._index)


def _checked(source: Encoded, at: int, limit: int) -> tuple[int, int]:
    """Read the sample rate and the number of frames of a sound; refuse others than utterances."""
    rate, frames = rate_and_frames(source, at, limit)
    name = short(source.name(at))
    if rate < SLOWEST:
        raise DataError(
            f"the sound {name} must have at least {SLOWEST:,} samples a second to be transcribed; "
            f"got {rate:,}"
        )
    if frames > LONGEST:
        raise DataError(
            f"the sound {name} must last at most {LONGEST // 100} s to be transcribed: cut it; got "
            f"{frames / 100:.0f} s"
        )
    return rate, ceil(frames)


@final
class _Utterances(Items):
    """All utterances of a source, decoded once where they fit into memory."""

    def __init__(
        self, source: Encoded, index: Index, lengths: Sequence[int], shape: tuple[int, int]
    ) -> None:
        self.source, self.shape, self.dtype = source, shape, np.dtype(np.float16)
        self.index = index
        self.lengths = np.zeros(source.n, np.int64)
        self.lengths[index] = lengths
        self.kept: dict[int, NDArray[np.float16]] | None = None
        self.checked = False
        self.lock = Lock()

    def sized(self, shape: tuple[int, int]) -> _Utterances:
        """Return the same utterances with other numbers of bands and frames."""
        if shape == self.shape:
            return self
        return _Utterances(self.source, self.index, self.lengths[self.index].tolist(), shape)

    def take(self, where: Index) -> NDArray[np.float16]:
        with self.lock:
            if not self.checked:
                self._decode_all()
        kept = self.kept
        found = [kept[at] for at in where.tolist()] if kept is not None else self._decode(where)
        padded = np.zeros((len(where), *self.shape), np.float16)
        for row, frames in zip(padded, found, strict=True):
            row[:, : frames.shape[1]] = frames[:, : self.shape[1]]
        return padded

    def _decode_all(self) -> None:
        """Decode every utterance, and keep them if they fit."""
        size = 2 * self.shape[0] * int(self.lengths.sum())
        fits = size <= min(KEEP_BYTES, memory_limit())
        failed = self.source.failures()
        kept: dict[int, NDArray[np.float16]] = {}
        decode = failed.guard(partial(_frames, self.source, self.shape[0], memory_limit()))
        for start in range(0, len(self.index), AT_ONCE):
            part = self.index[start : start + AT_ONCE].tolist()
            found = zip(part, in_threads(decode, part), strict=True)
            kept |= {at: one for at, one in found if fits and one is not None}
        failed.check()
        self.kept, self.checked = kept if fits else None, True

    def _decode(self, where: Index) -> list[NDArray[np.float16]]:
        check_fits(2 * len(where) * self.shape[0] * self.shape[1], f"{len(where)} utterances")
        decode = partial(_frames, self.source, self.shape[0], memory_limit())
        return self.source.of_all(decode, where.tolist())

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.lock = Lock()


def _frames(source: Encoded, bands: int, limit: int, at: int) -> NDArray[np.float16]:
    """Decode one utterance: (bands, frames), each band with mean 0 and standard deviation 1."""
    with source.named(at):
        decibels = loudness(read_samples(source, at, limit), bands)
    centred = decibels - decibels.mean(axis=1, keepdims=True)
    spread = np.maximum(centred.std(axis=1, keepdims=True), FLAT)
    return np.asarray(centred / spread, np.float16)
