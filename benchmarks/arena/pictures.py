"""Pictures: digits from MNIST to two other collections, and clothes seen in other ways."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks import data
from benchmarks.arena.task import Case, Pair, Rows, draw_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    return Rows(_framed(pictures), y.astype(np.int64))


@cache
def _small_clothes() -> Rows:
    """Return clothes of 8 × 8 points, as the digits of optdigits are."""
    pictures, kinds = data.fashion("t10k")
    return Rows(_framed(data.resized(pictures, 8)), kinds)


@cache
def _clothes_on_photographs() -> Rows:
    """Return clothes on grey photographs, |patch − clothes|, as the digits of MNIST-M are."""
    pictures, kinds = data.fashion("t10k")
    blended = data.mnist_m(pictures, seed=0).mean(axis=-1)
    return Rows(blended.round().astype(np.uint8), kinds)


def _framed(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarge pictures, and put a frame of MNIST's width around them."""
    return np.pad(data.resized(pictures, SIDE - 8), [(0, 0), (4, 4), (4, 4)])


COLLECTIONS: Final = {
    "mnist-usps": (data.mnist, _usps),
    "mnist-optdigits": (data.mnist, _optdigits),
    "fashion-small": (data.fashion, _small_clothes),
    "fashion-photographs": (data.fashion, _clothes_on_photographs),
}
"""Pair → its source and target."""


def _build(name: str, each: int, draw: int) -> Case:
    random = np.random.default_rng(draw)
    from_, to = COLLECTIONS[name]
    source, target = Rows(*from_()), to()
    assert source.y is not None
    assert target.y is not None
    few = draw_each(target.y, each, random)
    rest = random.permutation(np.setdiff1d(np.arange(len(target.y)), few))[:EVALUATE]
    drawn = np.sort(random.permutation(len(source.y))[:SOURCE])
    return Case(source.at(drawn), *(target.at(index) for index in (few, np.sort(rest))))


PAIRS: Final = [
    Pair(
        name=name,
        family=name.partition("-")[0],
        group="pictures",
        metric="accuracy",
        budgets=(1, 5, 20),
        draws=2,
        build=partial(_build, name),
        each=True,
    )
    for name in COLLECTIONS
]
