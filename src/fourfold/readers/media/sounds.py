"""Folders of sounds as log-mel spectrograms."""

from __future__ import annotations

from functools import cache, partial
from math import ceil, exp, log
from typing import TYPE_CHECKING, Final, final

import numpy as np

from fourfold.core.memory import memory_limit
from fourfold.errors import MissingExtraError, ParameterError
from fourfold.readers.media.decoded import DecodedItems, DecodedRows
from fourfold.readers.media.samples import HOP, RATE, rate_and_frames, read_samples

try:
    import kaldi_native_fbank as fbank
except ImportError as error:
    raise MissingExtraError(error.name or "kaldi_native_fbank", "audio") from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Rows
    from fourfold.readers.media.decoded import Encoded

    Samples = NDArray[np.float32]

__all__ = ["SoundRows", "bands_of", "loudness"]

WINDOW_MS: Final = 25.0
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


@final
class SoundRows(DecodedRows):
    """Sounds as rows: log-mel spectrograms, float32 (n, bands, frames), in decibels from −80 to 0.

    Channels are averaged, and every sound is resampled to 16 kHz. Frames are windows of 25 ms at a
    distance of 10 ms. Bands are 50 mel apart and start at 20 Hz, so their number sets the highest
    frequency: 40 bands reach 3.7 kHz, all that a sound sampled at 8 kHz contains, and 54 bands
    reach 7.6 kHz. 0 dB is the loudest point of each sound, so the recording level does not matter.
    A sound shorter than the row is centred and padded with silence; of a longer sound the loudest
    part is kept.

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

    Notes
    -----
    Ogg files do not store their length, so a truncated one is read up to its end.
    """

    kind = "sounds"

    def __init__(self, source: Encoded, size: tuple[int, int] | None = None) -> None:
        limit = memory_limit()
        headers = source.of_all(lambda at: rate_and_frames(source, at, limit))
        items = _items(source, _checked(size) if size else _default_size(headers))
        super().__init__(items, np.arange(source.n))

    def resized(self, size: tuple[int, int]) -> SoundRows:
        """Return the same sounds with other numbers of bands and frames."""
        if size == self.shape:
            return self
        return self._of(_items(self._items.source, _checked(size)), self._index)

    @property
    def source(self) -> Encoded:
        """The encoded sounds that the rows were taken from."""
        return self._items.source

    @property
    def index(self) -> Index:
        """Position of each row among the encoded sounds."""
        return self._index

    def fitting(self, shape: tuple[int, ...], white: float | None = None) -> SoundRows:
        del white  # of pictures
        if len(shape) != 2 or shape[0] > bands_of(RATE):
            return self
        return self.resized((shape[0], shape[1]))

    def waves(self) -> SoundRows:
        source, samples = self._items.source, self.shape[1] * HOP
        decode = partial(_wave, source, n=samples, limit=memory_limit())
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
        fewest, most = min(rows.shape[0] for rows in sounds), max(rows.shape[1] for rows in sounds)
        return [rows.resized(size or (fewest, most)) for rows in sounds]


def _checked(size: tuple[int, int]) -> tuple[int, int]:
    if not (1 <= size[0] <= bands_of(RATE) and size[1] >= 1):
        raise ParameterError(
            f"the size of sounds must be from 1 to {bands_of(RATE)} bands, and at least 1 frame of "
            f"10 ms; got {size}"
        )
    return size


def _items(source: Encoded, size: tuple[int, int]) -> DecodedItems:
    decode = partial(_spectrogram, source, size=size, limit=memory_limit())
    return DecodedItems(source, decode, size, np.float32)


def _default_size(headers: Sequence[tuple[int, float]]) -> tuple[int, int]:
    rates, frames = zip(*headers, strict=True)
    needed = 10 * ceil(float(np.quantile(frames, 0.95)) / 10)
    return bands_of(min(*rates, RATE)), min(MOST_FRAMES, needed)


def _mel(hertz: float) -> float:
    return 1127 * log(1 + hertz / 700)


def bands_of(rate: int) -> int:
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
    return loudness(_wave(source, at, n=frames * HOP, limit=limit), bands)


def _wave(source: Encoded, at: int, *, n: int, limit: int) -> Samples:
    """Decode n samples of one sound: mono, 16 kHz, centred, with a peak of about 1."""
    return _to_length(read_samples(source, at, limit), n)


def loudness(samples: Samples, bands: int) -> NDArray[np.float32]:
    """Compute a log-mel spectrogram, (bands, frames), in decibels below its loudest point."""
    bank = fbank.OnlineFbank(_options(bands))
    bank.accept_waveform(RATE, samples)
    bank.input_finished()
    frames = [bank.get_frame(i) for i in range(bank.num_frames_ready)]
    power = np.stack(frames, axis=1)
    with np.errstate(divide="ignore"):  # of silence
        decibels = 10 * np.log10(power / power.max())
    return np.asarray(np.maximum(decibels, FLOOR_DB), np.float32)


def _to_length(samples: Samples, n: int) -> Samples:
    """Pad a short sound with silence, or cut a long one to its loudest part: (n,)."""
    spare = n - len(samples)
    if spare >= 0:
        return np.pad(samples, (spare // 2, spare - spare // 2))
    energy = np.cumsum(np.square(np.append(0, samples), dtype=np.float64))
    start = int(np.argmax(energy[n:] - energy[:-n]))
    return samples[start : start + n]
