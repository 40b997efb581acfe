"""Folders of sounds: decoded by libsndfile, resampled by soxr, heard as log-mel pictures."""

from __future__ import annotations

import re
from functools import cache, partial
from math import ceil, exp, log
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from fourfold.errors import DataError, MissingExtraError, ParameterError
from fourfold.readers.decoded import DecodedRows, Shelf
from fourfold.readers.encoded import EncodedFiles, in_threads

try:
    import kaldi_native_fbank as fbank
    import soundfile
    import soxr
except ImportError as error:
    raise MissingExtraError(error.name or "soundfile", "audio") from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.readers.encoded import Encoded
    from fourfold.readers.folders import Folder

    Samples = NDArray[np.float32]

__all__ = ["SoundRows", "one_size", "read_folder"]

RATE: Final = 16_000
"""Every sound is resampled to so many samples a second."""
WINDOW_MS: Final = 25.0
HOP: Final = RATE // 100
"""Samples from one frame to the next: 10 ms."""
LOWEST_HZ: Final = 20.0
"""Where the lowest band begins."""
BAND_MELS: Final = 50.0
"""From the centre of one band to that of the next."""
PASSED: Final = 0.95
"""The share of the frequencies up to half the rate that filters against aliasing leave alone."""
MOST_FRAMES: Final = 500
"""Without ``size`` no row is longer than 5 s."""
FLOOR_DB: Final = -80.0
"""What is weaker, beside the loudest, is silence."""
SHORT: Final = re.compile(r"^data : (\d+) \(should be \d+\)", re.MULTILINE)
"""How libsndfile's log tells that a WAV file has other data than its header says."""
ENDLESS: Final = 0x7FFF_F000
"""Programs that do not know yet how much they will write put such a size, or more, in a header."""


class _Header(NamedTuple):
    rate: int
    frames: float


@final
class SoundRows(DecodedRows):
    """Sounds as rows: log-mel pictures, float32 (n, bands, frames), in decibels from −80 to 0.

    Channels are averaged, and any rate becomes 16 kHz. A frame is a window of 25 ms, 10 ms after
    the last. Bands lie 50 mel apart from 20 Hz on, so that their number says how high one hears:
    40 bands reach 3.7 kHz, which is all that a sound of 8 kHz holds, 54 bands 7.6 kHz. 0 dB is a
    sound's loudest point, however loud it was recorded. A sound that is shorter than the row lies
    in its middle, between silence; of a longer one the loudest stretch is kept.

    Parameters
    ----------
    source
        Encoded sounds.
    size
        Bands and frames. By default as many bands as the sound with the lowest rate has room for,
        and as many frames as 95 % of the sounds need, in tens, at most 500 (5 s).

    Raises
    ------
    DataError
        If a sound cannot be read, is shorter than 10 ms or is silent; the message names it. At once
        where its header says so, else at the first read.
    ParameterError
        If the size is out of its bounds.

    Notes
    -----
    An Ogg file does not say how long it is, so one that was cut off is read as far as it goes.
    """

    kind = "sounds"

    def __init__(self, source: Encoded, size: tuple[int, int] | None = None) -> None:
        headers = list(in_threads(lambda at: _header(source, at), range(source.n)))
        self._shelf = _shelf(source, _checked(size) if size else _usual_size(headers))
        self._index = np.arange(source.n)

    def resized(self, size: tuple[int, int]) -> SoundRows:
        """Return the same sounds with other numbers of bands and frames."""
        if size == self.shape:
            return self
        return self._of(_shelf(self._shelf.source, _checked(size)), self._index)

    def fitting(self, shape: tuple[int, ...]) -> SoundRows:
        if len(shape) != 2 or shape[0] > _bands(RATE):
            return self
        return self.resized((shape[0], shape[1]))


def read_folder(folder: Folder, size: tuple[int, int] | None) -> tuple[SoundRows, Any]:
    """Read a folder of sounds.

    Parameters
    ----------
    folder
        Files with a sound's ending.
    size
        Bands and frames; by default chosen from the sounds.

    Returns
    -------
    The sounds in the order of their paths, and their labels, or None if none has one.

    Raises
    ------
    DataError
        If a sound has a damaged header, or lasts less than 10 ms.
    ParameterError
        If the size is out of its bounds.
    """
    return SoundRows(EncodedFiles(folder.paths, "sound"), size), folder.labels


def one_size(domains: Sequence[SoundRows], size: tuple[int, int] | None = None) -> list[SoundRows]:
    """Give several piles of sounds one size: the bands that all can fill, the frames that all need.

    A band beyond what a pile was recorded with would be empty there and full elsewhere, and a
    network would learn the recorder.
    """
    bands = min(rows.shape[0] for rows in domains)
    frames = max(rows.shape[1] for rows in domains)
    return [rows.resized(size or (bands, frames)) for rows in domains]


def _checked(size: tuple[int, int]) -> tuple[int, int]:
    if not (1 <= size[0] <= _bands(RATE) and size[1] >= 1):
        raise ParameterError(
            f"the size of sounds must be from 1 to {_bands(RATE)} bands, and at least 1 frame of "
            f"10 ms; got {size}"
        )
    return size


def _shelf(source: Encoded, size: tuple[int, int]) -> Shelf:
    return Shelf(source, partial(_picture, source, size=size), size, np.float32)


def _header(source: Encoded, at: int) -> _Header:
    with source.open(at) as file:
        try:
            with soundfile.SoundFile(file) as sound:
                rate, n, said = sound.samplerate, sound.frames, sound.extra_info
        except soundfile.LibsndfileError as error:
            raise source.damaged(at, error.error_string) from error
    short = SHORT.search(said)
    if short and int(short[1]) < ENDLESS:
        raise source.damaged(at, "less than its header announces")
    frames = n * RATE / rate / HOP
    if frames < 1:
        raise DataError(
            f"the sound {source.name(at)} must last at least 10 ms; "
            f"got {n} sample(s) at {rate} a second"
        )
    return _Header(rate, frames)


def _usual_size(headers: Sequence[_Header]) -> tuple[int, int]:
    frames = float(np.quantile([header.frames for header in headers], 0.95))
    rate = min(header.rate for header in headers)
    return _bands(min(rate, RATE)), min(MOST_FRAMES, 10 * ceil(frames / 10))


def _mel(hertz: float) -> float:
    return 1127 * log(1 + hertz / 700)


def _bands(rate: int) -> int:
    """Count the bands that a rate has room for."""
    highest = max(_mel(PASSED * rate / 2), _mel(LOWEST_HZ) + 2 * BAND_MELS)
    return int((highest - _mel(LOWEST_HZ)) / BAND_MELS) - 1


@cache
def _options(bands: int) -> fbank.FbankOptions:
    """Describe the frames to the library; what is not said here is as in Kaldi."""
    top = _mel(LOWEST_HZ) + (bands + 1) * BAND_MELS
    options = fbank.FbankOptions()
    options.frame_opts.samp_freq = RATE
    options.frame_opts.frame_length_ms = WINDOW_MS
    options.frame_opts.frame_shift_ms = 1000 * HOP / RATE
    options.frame_opts.dither = 0  # no noise: equal sounds are equal rows
    options.frame_opts.snip_edges = False  # a frame for each hop
    options.mel_opts.num_bins = bands
    options.mel_opts.low_freq = LOWEST_HZ
    options.mel_opts.high_freq = 700 * (exp(top / 1127) - 1)
    options.use_log_fbank = False
    return options


def _picture(source: Encoded, at: int, *, size: tuple[int, int]) -> NDArray[np.float32]:
    """Decode one sound: (bands, frames) in decibels below its loudest point."""
    bands, frames = size
    heard = fbank.OnlineFbank(_options(bands))
    heard.accept_waveform(RATE, _lasting(_samples(source, at), frames * HOP))
    heard.input_finished()
    power = np.stack([heard.get_frame(i) for i in range(frames)], axis=1)
    with np.errstate(divide="ignore"):  # of silence
        loudness = 10 * np.log10(power / power.max())
    return np.asarray(np.maximum(loudness, FLOOR_DB), np.float32)


def _samples(source: Encoded, at: int) -> Samples:
    """Read one sound whole: mono, 16 kHz, around 0 and up to about 1."""
    with source.open(at) as file:
        try:
            with soundfile.SoundFile(file) as sound:
                rate, announced = sound.samplerate, sound.frames
                channels = sound.read(dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise source.damaged(at, error.error_string) from error
    if len(channels) < 0.9 * announced:  # MP3 counts roughly
        raise source.damaged(at, f"{len(channels)} of {announced} samples")
    mono = channels.mean(axis=1)
    if not np.isfinite(mono).all():
        raise source.damaged(at, "samples that are no finite numbers")
    if np.ptp(mono) == 0:
        raise DataError(
            f"the sound {source.name(at)} must not be silent: remove it; "
            f"got {len(mono)} equal samples"
        )
    mono -= mono.mean()
    resampled: Samples = soxr.resample(mono / np.abs(mono).max(), rate, RATE)
    return resampled


def _lasting(samples: Samples, n: int) -> Samples:
    """Put a short sound between silence, and keep the loudest stretch of a long one: (n,)."""
    spare = n - len(samples)
    if spare >= 0:
        return np.pad(samples, (spare // 2, spare - spare // 2))
    energy = np.cumsum(np.square(np.append(0, samples), dtype=np.float64))  # of all before
    start = int(np.argmax(energy[n:] - energy[:-n]))
    return samples[start : start + n]
