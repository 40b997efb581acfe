"""Outcomes: matrices and ragged answers are read as they were written."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Classification
from fourfold.core.findings import Facts
from fourfold.errors import FileError
from fourfold.study.running.outcomes import Outcome, take

HELD = np.array([3, 5])


def outcome(**outputs) -> Outcome:
    task = Classification()
    task.classes_ = np.array(["a", "b"])
    found = [Facts("found", {"one": "1"})]
    return Outcome("Some", 1, 0, HELD, task, outputs, 0.5, [2.0, 1.0], found)


def test_an_outcome_is_read_as_it_was_written(tmp_path):
    rows = np.array([[0.1, 0.9], [2.0, -1.0]], np.float32)
    written = outcome(held=rows)
    written.save(tmp_path / "runs" / "one.safetensors")
    read = Outcome.load(tmp_path / "runs" / "one.safetensors", "Some", 1, 0, HELD)
    assert np.array_equal(read.outputs["held"], rows)
    assert (read.seconds, read.losses, read.findings) == (0.5, [2.0, 1.0], written.findings)
    assert read.predictions("held").tolist() == ["b", "a"]


def test_ragged_answers_are_read_as_they_were_written(tmp_path):
    """A transcript has a length of its own for each row, which may be zero."""
    letters = [np.array(word, np.int64) for word in ([1, 2, 3], [], [4])]
    frames = [np.ones((n, 4), np.float32) * n for n in (2, 5, 1)]
    outcome(held=letters, evaluate=frames).save(tmp_path / "one.safetensors")
    read = Outcome.load(tmp_path / "one.safetensors", "Some", 1, 0, HELD)
    assert [one.tolist() for one in read.outputs["held"]] == [[1, 2, 3], [], [4]]
    assert all(map(np.array_equal, read.outputs["evaluate"], frames))


@pytest.mark.parametrize("form", ["array", "ragged"])
def test_rows_are_taken_with_repetition(form):
    answers = np.arange(6.0).reshape(3, 2)
    given = answers if form == "array" else list(answers)
    assert np.array_equal(take(given, np.array([2, 0, 2])), answers[[2, 0, 2]])


def test_what_cannot_be_read_is_no_outcome(tmp_path):
    (tmp_path / "cut").write_bytes(b"{")
    for name in ("cut", "missing"):
        assert Outcome.load(tmp_path / name, "Some", 1, 0, HELD) is None
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="must be writable for finished runs"):
        outcome().save(tmp_path / "file" / "one.safetensors")
