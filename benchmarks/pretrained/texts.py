"""Short texts of two domains, with the sign of their sentiment."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from benchmarks import data
from benchmarks.pretrained.case import JUDGED, SOURCE, Case

__all__ = ["PAIRS", "SHOTS", "draw"]

SHOTS: Final = (8, 32, 128)
PAIRS: Final = (
    "amazon-movies",
    "movies-amazon",
    "tweets-movies",
    "tweets-amazon",
    "movies-tweets",
    "amazon-tweets",
)
SURE: Final = 0.5
"""Least size of a sentiment's score."""


def draw(pair: str, k: int, seed: int) -> Case:
    """Draw short texts of two domains, with the sign of their sentiment."""
    from fourfold import Domain
    from fourfold.networks import Pretrained

    source, target = pair.split("-")
    random = np.random.default_rng(seed)
    rated = data.sentiment()

    def sure(domain: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        texts, scores = rated[domain]
        kept = [i for i, s in enumerate(scores) if abs(s) > SURE and texts[i].strip()]
        signs = np.where(scores[kept] > 0, "good", "bad")
        return np.array([texts[i] for i in kept], object), signs

    x, y = sure(target)
    few = data.each_class(y, np.arange(len(y)), k, random).ravel()
    rest = random.permutation(np.setdiff1d(np.arange(len(y)), few))[:JUDGED]
    xs, ys = sure(source)
    taught = random.permutation(len(ys))[:SOURCE]
    return Case(
        Domain(list(xs[taught]), ys[taught], name=source),
        Domain(list(x[few]), y[few], name=target),
        Domain(list(x[rest]), y[rest], name=f"{target} to judge on"),
        Pretrained(name="st:english", max_tokens=64),
    )
