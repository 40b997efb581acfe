"""Encoders are found in folders and in the cache; only who asks for a download gets one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fourfold.errors import FileError

pytest.importorskip("huggingface_hub")

from fourfold.preparation import encoder_folders as folders


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Names that were asked for from a hub, where nobody answers, and an empty cache."""
    names: list[str] = []

    def download(name, **_):
        names.append(name)
        raise ConnectionError("nobody\nanswers")

    def cached(name, file):
        found = tmp_path / name / file
        return str(found) if found.exists() else None

    monkeypatch.setattr(folders, "snapshot_download", download)
    monkeypatch.setattr(folders, "try_to_load_from_cache", cached)
    return names


def test_a_folder_is_taken_as_it_is(asked, tmp_path):
    assert folders.find_encoder(str(tmp_path), download=True) == tmp_path
    assert asked == []


def test_a_cached_name_is_found_without_asking_anybody(asked, tmp_path):
    here = tmp_path / "sentence-transformers" / "tiny"
    here.mkdir(parents=True)
    (here / "modules.json").touch()
    with pytest.raises(FileError, match="only a fit downloads one"):
        folders.find_encoder("tiny")  # half of it is there
    (here / "model.safetensors").touch()
    for name in ("tiny", "sentence-transformers/tiny"):
        for download in (False, True):
            assert folders.find_encoder(name, download=download) == here
    assert asked == []


def test_only_who_asks_gets_a_download(asked):
    with pytest.raises(
        FileError, match=r"'tiny' must be a folder .*; it is neither, and only a fit downloads one$"
    ):
        folders.find_encoder("tiny")
    assert asked == []
    with pytest.raises(FileError, match=r"or can be downloaded; got: nobody$"):
        folders.find_encoder("some/tiny", download=True)
    assert asked == ["some/tiny"]


@pytest.mark.parametrize("name", ["../x", "/no/such/folder", "a b", "x" * 500])
def test_names_that_no_hub_allows_are_refused(name):
    with pytest.raises(FileError, match=r"the sentence encoder .* must be a folder") as error:
        folders.find_encoder(name)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_a_download_takes_what_is_read(monkeypatch):
    taken = {}
    monkeypatch.setattr(folders, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(
        folders, "snapshot_download", lambda _name, **how: taken.update(how) or "/somewhere"
    )
    assert folders.find_encoder("some/tiny", download=True) == Path("/somewhere")
    assert all(file.endswith((".json", ".safetensors")) for file in taken["allow_patterns"])
