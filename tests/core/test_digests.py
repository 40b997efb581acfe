"""What is read back is what was written, or damaged."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold.core.digests import (
    DamagedError,
    folder_digests,
    load_tensors,
    row_digests,
    save_tensors,
)

TENSORS = {
    "weights": torch.arange(12.0).reshape(3, 4),
    "mask": torch.tensor([True, False]),
    "none": torch.empty(0, 3),
}
NOTES = {"task": "yes or no", "losses": [0.5, float("inf")]}


def test_tensors_and_notes_come_back(tmp_path):
    save_tensors(tmp_path / "file", TENSORS, NOTES)
    tensors, notes = load_tensors(tmp_path / "file")
    assert notes == NOTES
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


def test_no_flipped_bit_passes(tmp_path):
    file = tmp_path / "file"
    save_tensors(file, TENSORS, NOTES)
    whole = file.read_bytes()
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        file.write_bytes(flipped)
        try:
            tensors, notes = load_tensors(file)
        except DamagedError:
            continue
        assert notes == NOTES  # a flip where nothing is said, as in spaces
        assert all(torch.equal(tensors[name], tensor) for name, tensor in TENSORS.items())


@pytest.mark.parametrize("size", [0, 7, 8, 100, -1])
def test_no_cut_passes(tmp_path, size):
    file = tmp_path / "file"
    save_tensors(file, TENSORS, NOTES)
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(DamagedError, match="must be as it was written"):
        load_tensors(file)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_tensors(tmp_path / "file")


def test_rows_have_a_digest_each_which_knows_their_form():
    rows = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    digests = row_digests(rows, "f4 (3,)")
    assert len(set(digests.tolist())) == 5
    np.testing.assert_array_equal(digests, row_digests(np.asfortranarray(rows), "f4 (3,)"))
    assert not np.isin(digests, row_digests(rows, "i4 (3,)")).any()
    assert row_digests(rows[:, 0], "f4 ()").shape == (5,)
    assert row_digests(rows[:0], "f4 (3,)").shape == (0,)


def test_a_folder_has_a_digest_for_each_file(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b").write_text("b")
    (tmp_path / "a").write_text("b")
    digests = folder_digests(tmp_path)
    assert list(digests) == ["a", "inner/b"]
    assert len(set(digests.values())) == 1
