"""Damaged files are named together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fourfold.errors import DataError
from fourfold.readers import read_domain


def pictures(folder, n, ending=".png"):
    for i in range(n):
        path = folder / f"class{i % 2}" / f"{i:02}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(i).integers(0, 256, (40, 40), np.uint8)
        Image.fromarray(noise).save(path)
    return sorted(folder.rglob(f"*{ending}"))


def refused(read):
    with pytest.raises(DataError) as caught:
        read()
    assert len(str(caught.value)) < 300
    return str(caught.value)


def test_headers_that_cannot_be_read_are_named_at_once_up_to_ten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("a")
    for path in pictures(folder, 28)[3:]:
        path.write_bytes(b"no picture")
    said = refused(lambda: read_domain(folder))
    assert "25 pictures in " in said
    assert "class0/06.png, class0/08.png, " in said
    assert said.split("; the first")[0].count(".png") == 10
    assert "and 15 more" in said


def test_torn_files_are_named_at_the_first_read_over_all_blocks(tmp_path, monkeypatch):
    paths = pictures(tmp_path, 6, ".bmp")
    for path in (paths[0], paths[5]):
        path.write_bytes(path.read_bytes()[:400])
    monkeypatch.setattr("fourfold.readers.media.decoded.STEP_BYTES", 1)
    rows = read_domain(tmp_path).rows
    said = refused(lambda: rows.take(np.array([2])))
    assert "2 pictures in " in said
    assert "class0/00.bmp, class1/05.bmp; the first: image file is truncated" in said


def test_a_single_one_keeps_its_own_sentence(tmp_path):
    pictures(tmp_path, 3)[1].write_bytes(b"no picture")
    assert "02.png must be whole and readable" in refused(lambda: read_domain(tmp_path))


def test_texts_too(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.txt").write_bytes(b"\xff")
    (tmp_path / "d.txt").write_text("fine")
    assert "3 texts in " in refused(lambda: read_domain(tmp_path))


def test_long_names_are_shortened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in pictures(Path("a"), 4):
        path.rename(path.with_name("x" * 80 + path.name)).write_bytes(b"no picture")
    said = refused(lambda: read_domain(Path("a")))
    assert "4 pictures in " in said
    assert "class1/xxx" in said
    assert "xxx03.png" in said
