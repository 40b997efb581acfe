"""Hugging Face datasets are arrays, pictures or tables."""

from __future__ import annotations

import datasets
import numpy as np
import pytest
from PIL import Image

from fourfold.data.rows import DatasetRows, FrameRows, as_rows
from fourfold.errors import DataError

GRID = np.arange(24, dtype=np.float32).reshape(6, 4)


def test_a_dataset_of_plain_columns_is_a_table():
    cells = datasets.Dataset.from_dict({"n": [1, None], "s": ["a", "b"]})
    rows = as_rows(cells)
    assert isinstance(rows, FrameRows)
    assert list(rows.frame.columns) == ["n", "s"]


def test_a_datasets_column_of_arrays_is_read_when_needed():
    rows = as_rows(datasets.Dataset.from_dict({"v": GRID.tolist()}))
    assert isinstance(rows, DatasetRows)
    assert (rows.kind, rows.shape, rows.dtype) == ("array", (4,), np.float32)
    np.testing.assert_array_equal(rows.take(np.array([5, 0])), GRID[[5, 0]])


def test_a_datasets_pictures_of_one_size_are_pictures():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), np.uint8)
    cells = datasets.Dataset.from_dict(
        {"image": [Image.fromarray(p) for p in pixels]},
        features=datasets.Features({"image": datasets.Image()}),
    )
    rows = as_rows(cells)
    assert (rows.kind, rows.dtype) == ("pictures", np.uint8)
    np.testing.assert_array_equal(rows.take(np.arange(3)), pixels)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"v": [[1.0, 2.0], [3.0]]}, "must have one shape"),
        ({"v": [[1.0], [2.0]], "n": [1, 2]}, "must be its only input"),
        ({"v": [["a"], ["b"]]}, "must hold numbers"),
        ({"v": []}, "at least one row"),
    ],
)
def test_datasets_that_cannot_be_inputs_are_refused(columns, says):
    with pytest.raises(DataError, match=says):
        as_rows(datasets.Dataset.from_dict(columns))
