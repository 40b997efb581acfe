"""Columns become the same prepared rows in ONNX, to the last bit."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from fourfold.data.rows import FrameRows, as_rows
from fourfold.preparation.choose import AsIs, TablePreparation, TableViews
from fourfold.preparation.tables.graph import TableStart
from fourfold.preparation.tables.target_encoding import LabelledRows

RNG = np.random.default_rng(0)
N = 400
FRAME = pd.DataFrame(
    {
        "number": RNG.normal(3, 1e5, N),
        "marked": np.where(RNG.random(N) < 0.1, -999, RNG.normal(0, 1, N)),
        "gaps": np.where(RNG.random(N) < 0.3, np.nan, RNG.lognormal(8, 3, N)),
        "day": pd.to_datetime(RNG.integers(-90_000, 90_000, N), unit="D"),
        "town": RNG.choice(
            ["Ulm", "Bonn", "rare 1", "rare 2", None], N, p=[0.5, 0.3, 0.02, 0.02, 0.16]
        ),
        "merchant": RNG.choice([f"m{i}" for i in range(150)], N),
    }
)
ROWS = FrameRows(FRAME)


def run(start: TableStart, plain: pd.DataFrame) -> np.ndarray:
    session = onnxruntime.InferenceSession(start.file())
    (rows,) = session.run(None, start.feed(plain))
    return rows


@pytest.mark.parametrize("kind", [TablePreparation, TableViews])
@pytest.mark.parametrize(
    "columns", [list(FRAME), ["number", "gaps", "marked"], ["town", "merchant"], ["day"]]
)
def test_rows_are_equal_to_the_last_bit(kind, columns):
    rows = FrameRows(FRAME[columns])
    prepare = kind(max_categories=20, min_frequency=3).fit(rows)
    if prepare.learns_labels:
        prepare.learn_labels(LabelledRows(rows, RNG.integers(0, 3, N)))
    start = TableStart.of([prepare])
    for plain in (start.lines.arrange(rows), start.draw(99)):
        wanted = prepare.encode(plain)
        np.testing.assert_array_equal(run(start, plain), wanted.take(np.arange(wanted.n)))


def test_preparations_stand_side_by_side_each_once():
    lines, views = TablePreparation().fit(ROWS), TableViews().fit(ROWS)
    start = TableStart.of([lines, views, lines])
    plain = start.draw(5)
    wanted = [one.encode(plain).take(np.arange(5)) for one in (lines, views)]
    np.testing.assert_array_equal(run(start, plain), np.hstack(wanted))


def test_other_rows_and_texts_in_columns_have_no_such_start():
    assert TableStart.of([AsIs().fit(as_rows(np.ones((2, 3))))]) is None
    texts = FRAME.assign(said=[f"one {i} two words and {i * 7} more of them" for i in range(N)])
    assert TableStart.of([TablePreparation().fit(FrameRows(texts))]) is None
    other = TablePreparation().fit(FrameRows(FRAME[["number"]]))
    assert TableStart.of([TablePreparation().fit(ROWS), other]) is None
