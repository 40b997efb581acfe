"""Pictures of digits: from MNIST to two other collections."""

from __future__ import annotations

from functools import cache, partial
from typing import Final

import numpy as np

from benchmarks import data
from benchmarks.arena.task import Case, Pair, Rows, draw_each

__all__ = ["COLLECTIONS", "PAIRS"]

SOURCE: Final = 5000
EVALUATE: Final = 2000
SIDE: Final = 28
"""All pictures are seen at MNIST's size."""


@cache
def _usps() -> Rows:
    parts = [data.usps(), data.usps("test")]
    x = np.concatenate([data.resized(pictures, SIDE) for pictures, _ in parts])
    return Rows(x, np.concatenate([digits for _, digits in parts]))


@cache
def _optdigits() -> Rows:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    pictures = (x * 255 / 16).round().astype(np.uint8).reshape(-1, 8, 8)
    framed = np.pad(data.resized(pictures, SIDE - 8), [(0, 0), (4, 4), (4, 4)])  # as MNIST's are
    return Rows(framed, y.astype(np.int64))


COLLECTIONS: Final = {"usps": _usps, "optdigits": _optdigits}


def _build(name: str, each: int, draw: int) -> Case:
    random = np.random.default_rng(draw)
    source, target = Rows(*data.mnist()), COLLECTIONS[name]()
    assert source.y is not None
    assert target.y is not None
    few = draw_each(target.y, each, random)
    rest = random.permutation(np.setdiff1d(np.arange(len(target.y)), few))[:EVALUATE]
    drawn = np.sort(random.permutation(len(source.y))[:SOURCE])
    return Case(source.at(drawn), *(target.at(index) for index in (few, np.sort(rest))))


PAIRS: Final = [
    Pair(
        name=f"mnist-{name}",
        family="mnist",
        group="pictures",
        metric="accuracy",
        budgets=(1, 5, 20),
        draws=2,
        build=partial(_build, name),
        each=True,
    )
    for name in COLLECTIONS
]
