"""Greedy decoding and beam search, beside all paths of small problems."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from fourfold.core.transcripts.decoding import beam_search, greedy, words
from fourfold.core.transcripts.ngram import CharacterNgram

SYMBOLS = ["a", "b"]


def _frames(seed: int, n: int = 5) -> np.ndarray:
    p = np.random.default_rng(seed).dirichlet(np.ones(3), n)
    return np.log(p).astype(np.float32)


def _collapsed(path: tuple[int, ...]) -> str:
    kept = [code for at, code in enumerate(path) if code and (at == 0 or path[at - 1] != code)]
    return "".join(SYMBOLS[code - 1] for code in kept)


def _likeliest(frames: np.ndarray) -> str:
    """Return the text with the largest sum over all of its paths."""
    texts: dict[str, float] = defaultdict(float)
    for path in product(range(3), repeat=len(frames)):
        texts[_collapsed(path)] += float(np.exp(sum(frames[t, k] for t, k in enumerate(path))))
    return max(texts, key=lambda text: texts[text])


@pytest.mark.parametrize("seed", range(12))
def test_a_wide_beam_finds_the_likeliest_of_all_texts(seed: int) -> None:
    frames = _frames(seed)
    assert beam_search(frames, SYMBOLS, 50) == _likeliest(frames)


def test_greedy_decoding_follows_the_best_path() -> None:
    for seed in range(8):
        frames = _frames(seed)
        assert greedy(frames, SYMBOLS) == _collapsed(tuple(frames.argmax(axis=1)))


def test_frames_behind_the_end_change_nothing() -> None:
    frames = _frames(3)
    padding = np.tile(np.array([0, -1e4, -1e4], np.float32), (7, 1))
    padded = np.concatenate([frames, padding])
    assert greedy(padded, SYMBOLS) == greedy(frames, SYMBOLS)
    assert beam_search(padded, SYMBOLS, 8) == beam_search(frames, SYMBOLS, 8)


def test_words_have_the_mean_confidence_of_their_symbols() -> None:
    p = np.full((5, 3), 0.05)
    for at, (code, likely) in enumerate([(1, 0.9), (1, 0.6), (2, 0.9), (0, 0.9), (1, 0.5)]):
        p[at, code] = likely
    first, second = words(np.log(p).astype(np.float32), ["a", " "])
    assert (first.text, second.text) == ("a", "a")
    assert first.confidence == pytest.approx(0.9)
    assert second.confidence == pytest.approx(0.5)


def test_an_ngram_turns_a_doubtful_letter() -> None:
    symbols = ["a", "b", "c"]
    p = np.full((3, 4), 0.01)
    p[0, 1] = p[1, 0] = 0.97
    p[2, 2], p[2, 3] = 0.45, 0.53
    frames = np.log(p / p.sum(axis=1, keepdims=True)).astype(np.float32)
    known = CharacterNgram.of(["ab"] * 20 + ["c"], 2, 3)
    assert beam_search(frames, symbols, 8) == "ac"
    assert beam_search(frames, symbols, 8, known, 1.0) == "ab"


def test_probabilities_of_an_ngram_add_up_to_one() -> None:
    known = CharacterNgram.of(["abab", "bca"], 3, 3)
    for before in ("", "a", "ab", "zz"):
        total = sum(np.exp(known.log_probability(symbol, before)) for symbol in "abc")
        assert total == pytest.approx(1)
