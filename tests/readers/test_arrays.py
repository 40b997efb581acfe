"""Arrays from NumPy's files."""

from __future__ import annotations

from zipfile import ZipInfo

import numpy as np
import pytest

from fourfold.errors import DataError
from fourfold.readers import read_domain
from fourfold.readers.arrays import check_member


def test_inputs_and_labels_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.eye(3), y=np.array([0, -1, 1]))
    domain = read_domain(tmp_path / "a.npz")
    np.testing.assert_array_equal(domain.rows.take(np.arange(3)), np.eye(3))
    assert domain.labelled.tolist() == [True, False, True]
    assert read_domain(tmp_path / "a.npz", missing=None).n_labelled == 3


def test_labels_are_optional(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", X=np.zeros((2, 3, 4), np.uint8))
    domain = read_domain(str(tmp_path / "a.npz"), name="mine")
    assert domain.y is None
    assert domain.name == "mine"
    assert domain.rows.shape == (3, 4)


def test_a_plain_file_stays_on_disk(tmp_path):
    np.save(tmp_path / "a.npy", np.eye(3))
    rows = read_domain(tmp_path / "a.npy").rows
    assert isinstance(rows.array, np.memmap)
    assert rows.array.filename == tmp_path / "a.npy"
    assert np.shares_memory(rows.take(np.arange(3)), rows.array)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.eye(2)}, "must hold X; got x"),
        ({"X": np.array([[{}, 1]], object)}, "plain arrays; got Python objects"),
        ({"X": np.eye(2), "y": np.array([None, 1], object)}, "plain arrays; got Python objects"),
        ({"X": np.zeros((0, 2))}, "at least one row"),
        ({"X": np.arange(3.0)}, "at least 2-D"),
        ({"X": np.array([["a"]])}, "must be numbers"),
        ({"X": np.eye(2), "y": np.arange(3)}, "same number of rows"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(tmp_path, arrays, says):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError, match=says):
        read_domain(tmp_path / "bad.npz")


def test_a_cut_off_file_is_refused(tmp_path):
    for name, write in (("a.npz", lambda f: np.savez(f, X=np.eye(50))),
                        ("a.npy", lambda f: np.save(f, np.eye(50)))):  # fmt: skip
        path = tmp_path / name
        write(path)
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(DataError, match=r"undamaged|whole and readable"):
            read_domain(path)
        path.write_bytes(b"")
        with pytest.raises(DataError, match=name):
            read_domain(path)


def test_members_of_zip_files_are_plain_or_deflated():
    member = ZipInfo("a.npy")
    check_member(member)
    member.compress_type = 14
    with pytest.raises(DataError, match=r"a\.npy must be stored or deflated.*compression 14"):
        check_member(member)
    member.compress_type, member.flag_bits = 0, 1
    with pytest.raises(DataError, match="not encrypted"):
        check_member(member)
