"""Arrays are series or pictures by their shape, by their reader, or as it is wished."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.data.rows import ArrayRows, PickedRows, StackedRows, as_rows
from fourfold.errors import DataError
from fourfold.preparation.choose import Standardize, load_preparation
from fourfold.preparation.layout import find_layout, note
from fourfold.readers import read_domain
from fourfold.readers.arrays import read_arrays
from preparation_samples import every


class Spectrograms(ArrayRows.__mro__[1]):
    """Rows of the kind of sounds."""

    kind = "sounds"
    n, shape, dtype = 2, (40, 500), np.dtype(np.float32)
    take = subset = _hash = None


@pytest.mark.parametrize(
    ("shape", "dtype", "found"),
    [
        ((1, 784), float, "series"),
        ((12, 5000), np.int16, "series"),
        ((128, 9), float, "steps"),
        ((64, 200), float, "series"),
        ((3, 15), float, "plane"),
        ((28, 28), float, "plane"),
        ((32, 90), float, "plane"),
        ((32, 128), np.uint8, "plane"),
        ((3, 128), np.uint8, "series"),
    ],
)
def test_few_channels_and_long_time_are_series(shape, dtype, found):
    rows = as_rows(np.zeros((2, *shape), dtype))
    assert find_layout(rows, "auto") == found
    assert ("series" in str(note(rows)).split(";")[0]) == (found != "plane")


def test_sounds_are_pictures_of_their_spectra():
    assert find_layout(Spectrograms(), "auto") == "plane"
    assert note(Spectrograms()) is None


def test_a_known_layout_needs_no_note_and_goes_with_the_rows(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(6, 3, 40)))
    rows, _ = read_arrays(tmp_path / "a.npy", layout="pictures")
    some = np.array([0, 2])
    parts = (rows, rows.subset(some), StackedRows([rows, rows]), PickedRows(rows, some))
    assert [find_layout(part, "auto") for part in parts] == ["plane"] * 4
    assert note(rows) is None
    assert Standardize().fit(rows).shape_ == (1, 3, 40)
    assert Standardize(layout="series").fit(rows).shape_ == (3, 40)


def test_pictures_are_no_series():
    with pytest.raises(DataError, match=r"got rows of shape \(3, 4, 40\): use AsIs"):
        Standardize(layout="series").fit(as_rows(np.zeros((2, 3, 4, 40))))
    assert note(as_rows(np.zeros((2, 3, 4, 40)))) is None
    assert note(as_rows(np.zeros((2, 3)))) is None


def test_each_channel_has_its_own_scale_also_after_saving(tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 2, 20)) * [[1], [1000]] + [[5], [-3]]
    np.save(tmp_path / "x.npy", x)
    rows = read_domain(tmp_path / "x.npy").rows
    prepare = Standardize().fit(rows)
    ready = every(prepare.transform(rows))
    np.testing.assert_allclose(ready.std(axis=(0, 2)), 1, rtol=1e-5)
    (tmp_path / "saved").mkdir()
    prepare.save(tmp_path / "saved")
    again = load_preparation(tmp_path / "saved")
    np.testing.assert_array_equal(every(again.transform(rows)), ready)
    assert "channel of series (2 of 20 steps)" in again.describe()
