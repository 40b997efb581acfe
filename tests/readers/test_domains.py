"""Domains that are read together: the same columns, one kind, one shape."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from fourfold.errors import DataError
from fourfold.readers import read_domains


def write(path, text):
    path.write_text(text)
    return path


def frame_of(domain):
    return domain.rows.frame


def test_columns_are_lined_up_whatever_their_order(tmp_path):
    first = write(tmp_path / "a.csv", "a,b,y\n1,2,0\n")
    other = write(tmp_path / "b.csv", "b,a\n20,10\n")
    source, target = read_domains([first, other], label="y")
    assert list(frame_of(target).columns) == list(frame_of(source).columns) == ["a", "b"]
    assert frame_of(target)["a"].tolist() == [10]
    assert (source.n_labelled, target.n_labelled) == (1, 0)


def test_the_label_must_be_in_one_file_and_columns_in_all(tmp_path):
    first = write(tmp_path / "a.csv", "a,b\n1,2\n")
    other = write(tmp_path / "b.csv", "a,c\n1,2\n")
    with pytest.raises(DataError, match=r"label column 'y' must be in at least one .*a, b, c"):
        read_domains([first, other], label="y")
    with pytest.raises(DataError, match=r"b\.csv lacks b; .*a\.csv lacks c"):
        read_domains([first, other])


def test_domains_of_several_kinds_do_not_go_together(tmp_path):
    table = write(tmp_path / "a.csv", "a,b\n1,2\n")
    np.savez(tmp_path / "b.npz", X=np.eye(2))
    with pytest.raises(DataError, match="must be of one kind"):
        read_domains([table, tmp_path / "b.npz"])


def test_the_readers_load_nothing_heavy_before_they_are_used():
    program = (
        "import sys, fourfold.readers\n"
        "print([m for m in ('torch', 'sklearn', 'pandas', 'scipy', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"


def test_shapes_that_differ_between_domains(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.zeros((2, 3)))
    np.savez(tmp_path / "b.npz", X=np.zeros((2, 4)))
    with pytest.raises(DataError, match=r"\(3,\) in .*a\.npz and \(4,\) in .*b\.npz"):
        read_domains([tmp_path / "a.npz", tmp_path / "b.npz"])
    assert [d.name for d in read_domains([tmp_path / "a.npz"] * 2)] == ["a", "a"]
