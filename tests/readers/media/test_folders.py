"""Folders of files, their classes and names, and single files."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from PIL import Image

from fourfold.errors import DataError
from fourfold.readers import read_classes, read_domain


def picture(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), value).save(path)
    return path


def sound(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 4000), 8000)
    return path


def text(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("some words")
    return path


MAKE = {"png": picture, "wav": sound, "txt": text}


@pytest.mark.parametrize("ending", list(MAKE))
def test_rows_are_named_by_their_paths(tmp_path, ending):
    for name in ("b/2", "a/1", "3"):
        MAKE[ending](tmp_path / f"{name}.{ending}")
    domain = read_domain(tmp_path)
    assert domain.annotations.ids.tolist() == [f"{name}.{ending}" for name in ("3", "a/1", "b/2")]
    assert domain.y.tolist()[1:] == ["a", "b"]


@pytest.mark.parametrize("ending", ["png", "wav"])
def test_a_single_file_is_a_row(tmp_path, ending):
    path = MAKE[ending](tmp_path / f"one.{ending}")
    other = MAKE[ending](tmp_path / f"two.{ending}")
    alone, both = read_domain(path), read_domain(tmp_path)
    assert (alone.n_rows, alone.n_labelled, alone.name) == (1, 0, "one")
    assert alone.annotations.ids.tolist() == [path.name]
    assert alone.rows.keys[0] == both.rows.keys[0]
    assert other.name in both.annotations.ids


SPLITS = {
    "train val": "{}/train to learn from, and {}/val to judge on",
    "Train validation test": "{}/Train to learn from, and {}/test to judge on",
    "train": "{}/train to learn from",
    "test": "{}/test to judge on",
    "train valid extra": "{}/train to learn from, and {}/valid to judge on",
}


@pytest.mark.parametrize("names", list(SPLITS))
@pytest.mark.parametrize("ending", ["png", "txt"])
def test_parts_of_a_data_set_are_no_classes(tmp_path, monkeypatch, names, ending):
    monkeypatch.chdir(tmp_path)
    for part in names.split():
        for kind in ("cat", "dog"):
            MAKE[ending](tmp_path / "pets" / part / kind / f"1.{ending}")
    with pytest.raises(DataError) as caught:
        read_domain("pets")
    assert SPLITS[names].format("pets", "pets") in str(caught.value)
    assert set(read_domain(f"pets/{names.split()[0]}").known) == {"cat", "dog"}


@pytest.mark.parametrize("names", ["train bus car", "test a", "trains plane"])
def test_a_class_may_be_called_train(tmp_path, names):
    for name in names.split():
        picture(tmp_path / name / "1.png")
    assert set(read_domain(tmp_path).known) == set(names.split())


def test_files_of_two_kinds_are_refused(tmp_path):
    picture(tmp_path / "a.png")
    sound(tmp_path / "b.wav")
    text(tmp_path / "c.txt")
    with pytest.raises(DataError, match=r"all pictures or all sounds; got .*a\.png and .*b\.wav"):
        read_domain(tmp_path)


def test_names_of_classes_are_composed(tmp_path):
    split = "cafe\u0301"
    picture(tmp_path / "old" / split / "1.png")
    picture(tmp_path / "old" / "tea" / "2.png")
    y = np.array([split, "tea"])
    np.savez(tmp_path / "new.npz", X=np.eye(2), y=y)
    (tmp_path / "names.json").write_text(json.dumps({split: [1.0, 2.0], "tea": [2.0, 1.0]}))
    for name in ("old", "new.npz"):
        assert list(read_domain(tmp_path / name).counts) == ["caf\u00e9", "tea"]
    assert list(read_classes(tmp_path / "names.json").names) == ["caf\u00e9", "tea"]
