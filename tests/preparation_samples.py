"""Rows, tables and fitted preparations for the tests of preparations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fourfold.data.rows import as_rows
from fourfold.preparation.choose import AsIs, Standardize, TablePreparation
from fourfold.preparation.tables.target_encoding import LabelledRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.preparation.choose import Preparation

TEXTS = [
    "The discrete Fourier transform of a sequence.",
    "Fourier transform!",
    "A random variable with a normal distribution, its mean and its variance. " * 9,
    "Computes the determinant of a square matrix.",
    "ß Größe naïve 数据 🎉",
    "x",
]
RNG = np.random.default_rng(0)


def every(rows: Rows) -> Any:
    """Read all rows."""
    return rows.take(np.arange(rows.n))


def numbers(
    *shape: int, dtype: Any = np.float32, loc: float = 3.0, scale: float = 2.0
) -> NDArray[Any]:
    """Draw numbers of a shape and type; whole ones are not negative."""
    values = RNG.normal(loc, scale, shape)
    return (
        values.astype(dtype) if np.dtype(dtype).kind == "f" else np.abs(40 * values).astype(dtype)
    )


def table(n: int = 40, seed: int = 0) -> pd.DataFrame:
    """Draw a table of numbers, categories, dates and text, with missing cells."""
    rng = np.random.default_rng(seed)
    words = np.array(["good", "bad", "slow", "quick", "battery", "screen", "price", "phone"])
    days = pd.Timestamp(2020, 1, 1) + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    return pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.2, np.nan, rng.normal(40, 9, n)),
            "town": rng.choice(["Ulm", "Bonn", "Kiel"], n),
            "member": rng.random(n) < 0.5,
            "joined": days,
            "note": [" ".join(rng.choice(words, 5)) + f" {i}" for i in range(n)],
        }
    )


def fitted(kind: str) -> tuple[Preparation, Rows]:
    """Return a preparation of each kind, fitted, with rows that it takes."""
    if kind == "table":
        rows = as_rows(table().drop(columns="note"))
        return TablePreparation().fit(rows), rows
    if kind == "text":
        rows = as_rows(table())
        return TablePreparation().fit(rows), rows
    if kind.startswith("labelled"):  # categories are encoded by mean labels
        rows = as_rows(table() if kind.endswith("text") else table().drop(columns="note"))
        labels = LabelledRows(rows, np.arange(rows.n) % 3)
        return TablePreparation(max_categories=2).fit(rows, labels=labels), rows
    rows = as_rows(numbers(20, 5))
    return (AsIs() if kind == "as is" else Standardize()).fit(rows), rows


def same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Tell whether two arrays agree in every bit."""
    return bool(a.shape == b.shape and np.ascontiguousarray(a).tobytes() == b.tobytes())
