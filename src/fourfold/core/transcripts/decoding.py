"""Decoding of frames: from log-probabilities of a blank and of symbols to texts.

Output 0 is the blank, output i + 1 is symbol i. Frames behind the end of an utterance are blank for
certain, so that they change no text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.core.transcripts.ngram import CharacterNgram

    Frames = NDArray[np.float32]

__all__ = ["Word", "beam_search", "greedy", "words"]

LEAST: Final = -7.0
"""Log-probability under which a symbol is not tried in a frame."""
NEVER: Final = -np.inf


@final
class Word(NamedTuple):
    """A decoded word, and the geometric mean of its symbols' probabilities."""

    text: str
    confidence: float


def greedy(frames: Frames, symbols: Sequence[str]) -> str:
    """Decode log-probabilities (T, k): the best output of each frame, repeats once, no blanks.

    Examples
    --------
    >>> p = np.eye(3, dtype=np.float32)[[1, 1, 0, 1, 2, 2]]
    >>> greedy(np.log(p + 1e-6), ["a", "b"])
    'aab'
    """
    return "".join(symbols[code] for code, _ in _runs(frames))


def words(frames: Frames, symbols: Sequence[str]) -> list[Word]:
    """Decode log-probabilities (T, k) greedily to words with their confidences."""
    found: list[Word] = []
    text = ""
    logs: list[float] = []
    for code, likely in [*_runs(frames), (None, 0.0)]:
        symbol = " " if code is None else symbols[code]
        if symbol != " ":
            text, logs = text + symbol, [*logs, likely]
        elif text:
            found.append(Word(text, float(np.exp(np.mean(logs)))))
            text, logs = "", []
    return found


def _runs(frames: Frames) -> list[tuple[int, float]]:
    """Return the symbols of the best path, and the log-probability of each at its surest frame."""
    best = frames.argmax(axis=1)
    starts = np.flatnonzero(np.r_[True, best[1:] != best[:-1]]) if len(best) else best
    surest = np.maximum.reduceat(frames.max(axis=1), starts) if len(best) else best
    pairs = zip(best[starts].tolist(), surest.tolist(), strict=True)
    return [(code - 1, likely) for code, likely in pairs if code]


def beam_search(
    frames: Frames,
    symbols: Sequence[str],
    width: int,
    ngram: CharacterNgram | None = None,
    weight: float = 0.0,
) -> str:
    """Decode log-probabilities (T, k) by prefix beam search.

    The probability of a text is the sum over all its paths of frames; an n-gram adds ``weight``
    times its logarithm for each symbol.

    References
    ----------
    Hannun, Maas, Jurafsky & Ng, First-Pass Large Vocabulary Continuous Speech Recognition Using
    Bi-Directional Recurrent DNNs, 2014.
    """
    beam: dict[str, tuple[float, float, float]] = {"": (0.0, NEVER, 0.0)}
    for frame in frames:
        likely = np.flatnonzero(frame[1:] > LEAST).tolist()
        found: dict[str, tuple[float, float, float]] = {}
        for text, (blank, spoken, prior) in beam.items():
            whole = np.logaddexp(blank, spoken)
            _add(found, text, (whole + frame[0], NEVER), prior)
            for code in likely:
                symbol, p = symbols[code], float(frame[code + 1])
                again = text.endswith(symbol)
                if again:
                    _add(found, text, (NEVER, spoken + p), prior)
                more = weight * ngram.log_probability(symbol, text) if ngram is not None else 0.0
                _add(found, text + symbol, (NEVER, (blank if again else whole) + p), prior + more)
        best = sorted(found, key=lambda text: -np.logaddexp(*found[text][:2]) - found[text][2])
        beam = {text: found[text] for text in best[:width]}
    return next(iter(beam)).strip()


def _add(
    found: dict[str, tuple[float, float, float]], text: str, ends: tuple[float, float], prior: float
) -> None:
    """Add paths that end in a blank, and in a symbol, to those of a text."""
    blank, spoken, _ = found.get(text, (NEVER, NEVER, prior))
    found[text] = (np.logaddexp(blank, ends[0]), np.logaddexp(spoken, ends[1]), prior)
