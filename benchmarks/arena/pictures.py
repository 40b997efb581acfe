"""Pictures of digits: from MNIST to two other collections."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks import data
from benchmarks.arena.task import Case, Pair, Rows, draw_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["COLLECTIONS", "PAIRS", "mnist"]

SOURCE: Final = 5000
EVALUATE: Final = 2000
SIDE: Final = 28
"""All pictures are seen at MNIST's size."""


def mnist(n: int, random: np.random.Generator) -> Rows:
    """Draw pictures of MNIST."""
    x, y = data.mnist()
    drawn = np.sort(random.choice(len(x), n, replace=False))
    return Rows(x[drawn], y[drawn])


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
    return Rows(data.resized(pictures, SIDE), y.astype(np.int64))


COLLECTIONS: Final = {"usps": _usps, "optdigits": _optdigits}


def _build(name: str, each: int, draw: int) -> Case:
    random = np.random.default_rng(draw)
    source, target = mnist(SOURCE, random), COLLECTIONS[name]()
    assert target.y is not None
    few = draw_each(target.y, each, random)
    rest = random.permutation(np.setdiff1d(np.arange(len(target.y)), few))[:EVALUATE]
    return Case(source, *(at(target, index) for index in (few, np.sort(rest))))


def at(rows: Rows, index: NDArray[Any]) -> Rows:
    """Return some rows."""
    return Rows(rows.X[index], None if rows.y is None else rows.y[index])


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
