"""Folders of sounds as log-mel spectrograms: decoded by libsndfile, resampled by soxr."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cache, partial
from io import SEEK_CUR, SEEK_END, SEEK_SET
from math import ceil, exp, log
from typing import TYPE_CHECKING, BinaryIO, Final, final

import numpy as np

from fourfold.core.memory import check_fits, memory_limit
from fourfold.errors import DataError, MissingExtraError, ParameterError
from fourfold.readers.files import short
from fourfold.readers.media.decoded import DecodedItems, DecodedRows, taking

try:
    import kaldi_native_fbank as fbank
    import soundfile
    import soxr
except ImportError as error:
    raise MissingExtraError(error.name or "soundfile", "audio") from error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.readers.media.decoded import Encoded

    Samples = NDArray[np.float32]

__all__ = ["SoundRows"]

RATE: Final = 16_000
"""Samples per second after resampling."""
WINDOW_MS: Final = 25.0
HOP: Final = RATE // 100
"""Samples between two frames, 10 ms."""
LOWEST_HZ: Final = 20.0
"""Lower edge of the lowest band."""
BAND_MELS: Final = 50.0
"""Distance between the centres of two bands."""
PASSED: Final = 0.95
"""Share of the frequencies below half the sample rate that anti-aliasing filters pass."""
MOST_FRAMES: Final = 500
"""Largest default number of frames, 5 s."""
FLOOR_DB: Final = -80.0
"""Level of silence, relative to the loudest point."""
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


@final
class SoundRows(DecodedRows):
    """Sounds as rows: log-mel spectrograms, float32 (n, bands, frames), in decibels from −80 to 0.

    Channels are averaged, and every sound is resampled to 16 kHz. Frames are windows of 25 ms at a
    distance of 10 ms. Bands are 50 mel apart and start at 20 Hz, so their number sets the highest
    frequency: 40 bands reach 3.7 kHz, all that a sound sampled at 8 kHz contains, and 54 bands
    reach 7.6 kHz. 0 dB is the loudest point of each sound, so the recording level does not matter.
    A sound shorter than the row is centred and padded with silence; of a longer sound the loudest
    part is kept. Ogg files do not store their length: a truncated one is read up to its end.

    Parameters
    ----------
    source
        Encoded sounds.
    size
        Bands and frames. By default the bands that the sound with the lowest sample rate can fill,
        and the frames that 95 % of the sounds need, rounded up to tens, at most 500 (5 s).

    Raises
    ------
    DataError
        If a sound is damaged, shorter than 10 ms, silent, has less than 1,000 or more than 768,000
        samples a second, or takes more memory than reading may; the message names it. What the
        header tells is found at once, the rest at the first read.
    ParameterError
        If the size is out of bounds.
    """

    kind = "sounds"

    def __init__(self, source: Encoded, size: tuple[int, int] | None = None) -> None:
        limit = memory_limit()
        headers = source.of_all(lambda at: _rate_and_frames(source, at, limit))
        items = _items(source, _checked(size) if size else _default_size(headers))
        super().__init__(items, np.arange(source.n))

    def resized(self, size: tuple[int, int]) -> SoundRows:
        """Return the same sounds with other numbers of bands and frames."""
        if size == self.shape:
            return self
        return self._of(_items(self._items.source, _checked(size)), self._index)

    def fitting(self, shape: tuple[int, ...], white: float | None = None) -> SoundRows:
        del white  # of pictures
        if len(shape) != 2 or shape[0] > _bands(RATE):
            return self
        return self.resized((shape[0], shape[1]))

    def waves(self) -> SoundRows:
        source, samples = self._items.source, self.shape[1] * HOP
        decode = partial(_samples, source, limit=memory_limit(), n=samples)
        return self._of(DecodedItems(source, decode, (samples,), np.float32), self._index)

    @classmethod
    def one_size(
        cls, domains: Sequence[Rows], size: tuple[int, int] | None = None
    ) -> list[SoundRows]:
        """Bring the sounds of several domains to one size: the fewest bands and the most frames.

        A band above the sample rate of one domain would be empty there and full elsewhere, and a
        network would learn to tell the recorders apart.
        """
        sounds = [rows for rows in domains if isinstance(rows, SoundRows)]
        bands, frames = zip(*(rows.shape for rows in sounds), strict=True)
        return [rows.resized(size or (min(bands), max(frames))) for rows in sounds]


def _checked(size: tuple[int, int]) -> tuple[int, int]:
    if not (1 <= size[0] <= _bands(RATE) and size[1] >= 1):
        raise ParameterError(
            f"the size of sounds must be from 1 to {_bands(RATE)} bands, and at least 1 frame of "
            f"10 ms; got {size}"
        )
    return size


def _items(source: Encoded, size: tuple[int, int]) -> DecodedItems:
    decode = partial(_spectrogram, source, size=size, limit=memory_limit())
    return DecodedItems(source, decode, size, np.float32)


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


def _rate_and_frames(source: Encoded, at: int, limit: int) -> tuple[int, float]:
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


def _default_size(headers: Sequence[tuple[int, float]]) -> tuple[int, int]:
    rates, frames = zip(*headers, strict=True)
    needed = 10 * ceil(float(np.quantile(frames, 0.95)) / 10)
    return _bands(min(*rates, RATE)), min(MOST_FRAMES, needed)


def _mel(hertz: float) -> float:
    return 1127 * log(1 + hertz / 700)


def _bands(rate: int) -> int:
    """Return the number of bands below half a sample rate."""
    highest = max(_mel(PASSED * rate / 2), _mel(LOWEST_HZ) + 2 * BAND_MELS)
    return int((highest - _mel(LOWEST_HZ)) / BAND_MELS) - 1


@cache
def _options(bands: int) -> fbank.FbankOptions:
    """Return the settings of the filter bank; all others are Kaldi's defaults."""
    top = _mel(LOWEST_HZ) + (bands + 1) * BAND_MELS
    options = fbank.FbankOptions()
    options.frame_opts.samp_freq = RATE
    options.frame_opts.frame_length_ms = WINDOW_MS
    options.frame_opts.frame_shift_ms = 1000 * HOP / RATE
    options.frame_opts.dither = 0  # no noise: equal sounds give equal rows
    options.frame_opts.snip_edges = False  # one frame per hop
    options.mel_opts.num_bins = bands
    options.mel_opts.low_freq = LOWEST_HZ
    options.mel_opts.high_freq = 700 * (exp(top / 1127) - 1)
    options.use_log_fbank = False
    return options


def _spectrogram(
    source: Encoded, at: int, *, size: tuple[int, int], limit: int
) -> NDArray[np.float32]:
    """Decode one sound: (bands, frames) in decibels relative to its loudest point."""
    bands, frames = size
    bank = fbank.OnlineFbank(_options(bands))
    bank.accept_waveform(RATE, _samples(source, at, limit, frames * HOP))
    bank.input_finished()
    power = np.stack([bank.get_frame(i) for i in range(frames)], axis=1)
    with np.errstate(divide="ignore"):  # of silence
        loudness = 10 * np.log10(power / power.max())
    return np.asarray(np.maximum(loudness, FLOOR_DB), np.float32)


def _samples(source: Encoded, at: int, limit: int, n: int) -> Samples:
    """Read n samples of a sound: mono, 16 kHz, centred, with a peak of about 1."""
    with (
        _opened(source, at) as sound,
        taking(_bytes(sound.frames, sound.samplerate), limit),
        np.errstate(all="ignore"),  # what is not finite is refused below
    ):
        blocks = [block.mean(axis=1) for block in _blocks(sound)]
        mono = np.concatenate(blocks)
        return _to_length(_resampled(source, at, mono, sound.samplerate, sound.frames), n)


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


def _to_length(samples: Samples, n: int) -> Samples:
    """Pad a short sound with silence, or cut a long one to its loudest part: (n,)."""
    spare = n - len(samples)
    if spare >= 0:
        return np.pad(samples, (spare // 2, spare - spare // 2))
    energy = np.cumsum(np.square(np.append(0, samples), dtype=np.float64))
    start = int(np.argmax(energy[n:] - energy[:-n]))
    return samples[start : start + n]
