"""Rows of every kind are read when needed and hashed by content."""

from __future__ import annotations

import subprocess
import sys

import datasets
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from fourfold.data.rows import as_rows

GRID = np.arange(24, dtype=np.float32).reshape(6, 4)


def kinds(tmp_path) -> dict[str, object]:
    np.save(tmp_path / "grid.npy", GRID)
    cells = datasets.Dataset.from_dict({"v": GRID.tolist()})
    frame = pd.DataFrame(
        {
            "age": [1.0, None, 3.0],
            "town": pd.Categorical(["Ulm", "Bonn", "Ulm"]),
            "note": ["a", None, "c"],
            "day": pd.to_datetime(["2020-01-01", None, "2021-05-06"]),
        }
    )
    return {
        "array": GRID,
        "map": np.load(tmp_path / "grid.npy", mmap_mode="r"),
        "sparse": sparse.random_array((6, 4), density=0.5, rng=np.random.default_rng(0)),
        "table": pd.concat([frame, frame], ignore_index=True),
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


def test_a_sample_is_drawn_from_all_rows_by_their_content():
    values = np.arange(1000.0)[:, None]
    order = np.random.default_rng(0).permutation(1000)
    one, other = (as_rows(part).sample(300).ravel() for part in (values, values[order]))
    assert sorted(other) == one.tolist()
    assert np.histogram(one, 5, (0, 1000))[0].min() > 40
    assert as_rows(values).sample(2000).tolist() == values.tolist()
