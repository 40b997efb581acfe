"""Samples of sounds: decoded by libsndfile, resampled by soxr."""

from __future__ import annotations

import re
from contextlib import contextmanager
from io import SEEK_CUR, SEEK_END, SEEK_SET
from typing import TYPE_CHECKING, BinaryIO, Final, final

import numpy as np

from fourfold.core.memory import check_fits
from fourfold.errors import DataError, MissingExtraError
from fourfold.readers.files import short
from fourfold.readers.media.threads import taking

try:
    import soundfile
    import soxr
except ImportError as error:
    raise MissingExtraError(error.name or "soundfile", "audio") from error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fourfold.readers.media.decoded import Encoded

    Samples = NDArray[np.float32]

__all__ = ["HOP", "RATE", "rate_and_frames", "read_samples"]

RATE: Final = 16_000
"""Samples per second after resampling."""
HOP: Final = RATE // 100
"""Samples between two frames, 10 ms."""
SHORT: Final = re.compile(r"^(?:data| *SSND) : (\d+) \(should be \d+\)", re.MULTILINE)
"""Line of libsndfile's log for a WAV or AIFF file whose data and header disagree in length."""
ENDLESS: Final = 0x7FFF_F000
"""Smallest size in a header that means an unknown length, as streaming programs write it."""
BEGINS: Final = re.compile(
    rb"(RIFF|RF64)....WAVE|FORM....AIF[FC]|fLaC|OggS|ID3|\xff[\xe0-\xff]", re.DOTALL
)
"""First bytes of the formats that are read: WAV, AIFF, FLAC, Ogg and MP3."""
RATES: Final = range(1000, 768_001)
"""Samples per second of sounds that are read."""
BLOCK: Final = 1 << 20
"""Samples of all channels that are read at once."""
SAMPLE_BYTES: Final = 28
"""Bytes for a sample of one channel: up to four copies before and after it is resampled."""


@contextmanager
def _opened(source: Encoded, at: int) -> Iterator[soundfile.SoundFile]:
    with source.open(at) as file:
        if not BEGINS.match(file.read(12)):
            raise source.damaged(at, "neither WAV nor AIFF, FLAC, Ogg or MP3")
        file.seek(0)
        try:
            with soundfile.SoundFile(_Within(file)) as sound:
                yield sound
        except soundfile.LibsndfileError as error:
            raise source.damaged(at, error.error_string) from error


@final
class _Within:
    """A file in which no place lies before its beginning, as damaged AIFF files ask for.

    An error in a callback of libsndfile would be printed and not raised.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.read, self.tell = file, file.read, file.tell

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        if whence == SEEK_END:
            offset += self.file.seek(0, SEEK_END)
        elif whence == SEEK_CUR:
            offset += self.tell()
        return self.file.seek(max(0, offset))


def rate_and_frames(source: Encoded, at: int, limit: int) -> tuple[int, float]:
    """Read a sound's samples per second and its number of frames from its header."""
    with _opened(source, at) as sound:
        rate, n, info = sound.samplerate, sound.frames, sound.extra_info
    short_of = SHORT.search(info)
    if short_of and int(short_of[1]) < ENDLESS:
        raise source.damaged(at, "less data than its header says")
    if rate not in RATES:
        raise DataError(
            f"the sound {short(source.name(at))} must have from {RATES[0]} to {RATES[-1]} samples "
            f"a second; got {rate}"
        )
    check_fits(_bytes(n, rate), f"the sound {short(source.name(at))}, decoded,", limit)
    frames = n * RATE / rate / HOP
    if frames < 1:
        raise DataError(
            f"the sound {short(source.name(at))} must last at least 10 ms; "
            f"got {n} sample(s) at {rate} a second"
        )
    return rate, frames


def _bytes(n: int, rate: int) -> int:
    """Return the bytes that decoding n samples takes, before and after they are resampled."""
    return int(SAMPLE_BYTES * n * (1 + RATE / rate) / 2)


def read_samples(source: Encoded, at: int, limit: int) -> Samples:
    """Read all samples of a sound: mono, 16 kHz, centred, with a peak of about 1."""
    with (
        _opened(source, at) as sound,
        taking(_bytes(sound.frames, sound.samplerate), limit),
        np.errstate(all="ignore"),  # what is not finite is refused below
    ):
        blocks = [block.mean(axis=1) for block in _blocks(sound)]
        return _resampled(source, at, np.concatenate(blocks), sound.samplerate, sound.frames)


def _blocks(sound: soundfile.SoundFile) -> Iterator[Samples]:
    """Read a sound in blocks (n, channels), however long it says that it is."""
    most = BLOCK // sound.channels
    while True:
        block = sound.read(min(most, sound.frames + 1), dtype="float32", always_2d=True)
        yield block
        if len(block) < most:
            return


def _resampled(source: Encoded, at: int, mono: Samples, rate: int, announced: int) -> Samples:
    if len(mono) < 0.9 * announced:  # MP3 headers are approximate
        raise source.damaged(at, f"{len(mono)} of {announced} samples")
    if not np.isfinite(mono).all():
        raise source.damaged(at, "samples that are not finite")
    if np.ptp(mono) == 0:
        raise DataError(
            f"the sound {short(source.name(at))} must not be silent: remove it; "
            f"got {len(mono)} equal samples"
        )
    mono -= mono.mean()
    resampled: Samples = soxr.resample(mono / np.abs(mono).max(), rate, RATE)
    return resampled
