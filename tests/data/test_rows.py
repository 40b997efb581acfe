"""Rows: read when needed, never copied whole, keyed by content."""

from __future__ import annotations

import subprocess
import sys

import datasets
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import sparse

from fourfold.data.rows import ArrayRows, ColumnRows, FrameRows, SparseRows, as_rows, check_finite
from fourfold.errors import DataError

GRID = np.arange(24, dtype=np.float32).reshape(6, 4)


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [1.0, None, 3.0],
            "town": pd.Categorical(["Ulm", "Bonn", "Ulm"]),
            "note": ["a", None, "c"],
            "day": pd.to_datetime(["2020-01-01", None, "2021-05-06"]),
        }
    )


def kinds(tmp_path) -> dict[str, object]:
    np.save(tmp_path / "grid.npy", GRID)
    cells = datasets.Dataset.from_dict({"v": GRID.tolist()})
    return {
        "array": GRID,
        "map": np.load(tmp_path / "grid.npy", mmap_mode="r"),
        "sparse": sparse.random_array((6, 4), density=0.5, rng=np.random.default_rng(0)),
        "table": pd.concat([frame(), frame()], ignore_index=True),
        "dataset": cells,
    }


@pytest.mark.parametrize("kind", ["array", "map", "sparse", "table", "dataset"])
def test_a_subset_reads_and_is_keyed_as_those_rows(tmp_path, kind):
    rows = as_rows(kinds(tmp_path)[kind])
    where = np.array([4, 1, 1, 0])
    part = rows.subset(where)
    assert part.n == 4
    assert part.shape == rows.shape
    assert (part.keys == rows.keys[where]).all()
    again = part.subset(np.array([3, 0]))
    want, got = rows.take(np.array([0, 4])), again.take(np.arange(2))
    if kind == "table":
        pd.testing.assert_frame_equal(got, want)
    else:
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("kind", ["array", "map", "sparse", "dataset"])
def test_blocks_are_all_rows_in_order(tmp_path, kind):
    rows = as_rows(kinds(tmp_path)[kind])
    blocks = list(rows.blocks(4))
    assert [len(block) for block in blocks] == [4, 2]
    np.testing.assert_array_equal(np.concatenate(blocks), rows.take(np.arange(6)))


def test_reading_a_stretch_of_an_array_copies_nothing(tmp_path):
    for array in (GRID, kinds(tmp_path)["map"]):
        rows = as_rows(array)
        assert isinstance(rows, ArrayRows)
        assert np.shares_memory(rows.array, array)
        assert np.shares_memory(rows.take(np.arange(2, 5)), array)
        assert not np.shares_memory(rows.take(np.array([4, 2])), array)


def test_equal_content_has_equal_keys_whatever_it_is_kept_in(tmp_path):
    stored = kinds(tmp_path)
    assert as_rows(stored["array"]).digest == as_rows(stored["map"]).digest
    assert as_rows(GRID[::-1][::-1]).digest == as_rows(GRID).digest
    assert as_rows(GRID.astype(np.float64)).digest != as_rows(GRID).digest
    assert as_rows(GRID.reshape(6, 2, 2)).digest != as_rows(GRID).digest
    assert as_rows(GRID[::-1]).digest != as_rows(GRID).digest
    matrix = sparse.csr_array(GRID)
    assert as_rows(matrix).digest == as_rows(matrix.tocoo()).digest


def test_keys_are_the_same_in_another_process():
    program = (
        "import numpy as np; from fourfold.data.rows import as_rows\n"
        "print(as_rows(np.arange(24, dtype=np.float32).reshape(6, 4)).digest)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (
        done.stdout.decode().strip() == as_rows(GRID).digest == "6425a275d0f78f156e9601b8682212aa"
    )


def test_a_tables_keys_follow_its_cells_not_its_index_or_its_kinds_of_storage():
    whole = FrameRows(frame())
    assert FrameRows(frame().set_axis([7, 8, 9])).digest == whole.digest
    changed = frame()
    changed.loc[2, "note"] = "d"
    same = FrameRows(changed).keys == whole.keys
    assert same.tolist() == [True, True, False]
    assert FrameRows(frame().rename(columns={"age": "years"})).digest != whole.digest


def test_a_sample_is_spread_over_all_rows():
    rows = as_rows(np.arange(1000.0)[:, None])
    assert rows.sample(5).ravel().tolist() == [0.0, 249.0, 499.0, 749.0, 999.0]
    assert len(rows.sample(2000)) == 1000


def test_a_dataset_of_plain_columns_is_a_table():
    cells = datasets.Dataset.from_dict({"n": [1, None], "s": ["a", "b"]})
    rows = as_rows(cells)
    assert isinstance(rows, FrameRows)
    assert list(rows.frame.columns) == ["n", "s"]


def test_a_datasets_column_of_arrays_is_read_when_needed():
    rows = as_rows(datasets.Dataset.from_dict({"v": GRID.tolist()}))
    assert isinstance(rows, ColumnRows)
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


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (np.zeros((0, 3)), "at least one row"),
        ([1.0, 2.0], "Reshape your data"),
        (np.zeros((2, 0)), "0 feature"),
        (np.zeros((2, 2), complex), "Complex data not supported"),
        (np.array([["a", "b"]]), "must be numbers"),
        (np.array([[{}, 1]], object), "must be numbers"),
        (sparse.csr_array((0, 3)), "at least one row"),
        (pd.DataFrame({"a": []}), "at least one row"),
    ],
)
def test_inputs_that_cannot_be_used_are_refused(inputs, says):
    with pytest.raises(DataError, match=says):
        as_rows(inputs)


def test_sparse_rows_stay_sparse_and_are_read_dense():
    matrix = sparse.csr_array(np.eye(3))
    rows = as_rows(matrix)
    assert isinstance(rows, SparseRows)
    assert rows.matrix.nnz == 3
    np.testing.assert_array_equal(rows.take(np.array([2, 0])), np.eye(3, dtype=np.float32)[[2, 0]])


@pytest.mark.parametrize(("bad", "says"), [(np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "inf")])
def test_numbers_that_are_not_finite_are_refused_by_name(bad, says):
    with pytest.raises(DataError, match=f"the input X contains {says}"):
        check_finite(np.array([1.0, bad]), "the input X")
    check_finite(np.array([1, 2]), "the input X")
