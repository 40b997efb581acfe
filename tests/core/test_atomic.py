"""Content is on the disk before a name points to it, and the name before a write returns."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fourfold.core import atomic
from fourfold.core.atomic import rename, whole_file, whole_folder


def content(path):
    """Return the content of a file, or the names in a folder."""
    return sorted(p.name for p in path.iterdir()) if path.is_dir() else path.read_bytes()


@pytest.fixture
def disk(monkeypatch):
    """A record of what reached the disk: files with their content, and names of folders."""
    synced, moved = {}, []
    fsync, replace, exchange = os.fsync, os.replace, atomic._exchange

    def record(descriptor):
        fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced[path] = content(path)

    def move(old, new):
        moved.append((lost_in_a_crash(Path(old), synced), Path(new)))
        replace(old, new)

    def swap(one, other):
        moved.append((lost_in_a_crash(one, synced), other))
        return exchange(one, other)

    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(os, "replace", move)
    monkeypatch.setattr(atomic, "_exchange", swap)
    return synced, moved


def lost_in_a_crash(path, synced):
    """Return what of a file or folder a crash could take, because it was not written through."""
    paths = [path, *path.rglob("*")] if path.is_dir() else [path]
    return [p for p in paths if synced.get(p) != content(p)]


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, disk):
    synced, moved = disk
    for said in ("old", "new"):
        with whole_file(tmp_path / "file") as part:
            part.write_text(said)
        assert moved.pop() == ([], tmp_path / "file")
        assert "file" in synced.pop(tmp_path)
        assert (tmp_path / "file").read_text() == said
    assert content(tmp_path) == ["file"]


def test_a_folder_is_on_the_disk_with_all_that_it_holds(tmp_path, disk):
    synced, moved = disk
    for said in ("old", "new"):
        with whole_folder(tmp_path / "folder") as part:
            (part / "inner").mkdir()
            (part / "inner" / "file").write_text(said)
            (part / said).touch()
        assert moved.pop() == ([], tmp_path / "folder")
        assert "folder" in synced.pop(tmp_path)
        assert (tmp_path / "folder" / "inner" / "file").read_text() == said
        assert not moved
    assert content(tmp_path) == ["folder"]


def test_without_an_exchange_two_steps_remain(tmp_path, disk, monkeypatch):
    monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    for said in ("old", "new"):
        with whole_folder(tmp_path / "folder") as part:
            (part / said).touch()
    assert content(tmp_path / "folder") == ["new"]
    assert "folder" in disk[0][tmp_path]


@pytest.mark.parametrize("write", [whole_file, whole_folder])
def test_an_error_leaves_what_was_there(tmp_path, write):
    with write(tmp_path / "it") as part:
        part.write_text("old") if write is whole_file else (part / "old").touch()
    before = (tmp_path / "it").stat().st_ino
    with pytest.raises(RuntimeError, match="stopped"), write(tmp_path / "it") as part:
        raise RuntimeError("stopped")
    assert (tmp_path / "it").stat().st_ino == before
    assert content(tmp_path) == ["it"]


def test_a_name_is_moved_after_its_content(tmp_path, disk):
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "file").write_text("content")
    rename(tmp_path / "built", tmp_path / "whole")
    assert disk[1] == [([], tmp_path / "whole")]
    assert disk[0][tmp_path] == ["whole"]


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_files_get_the_access_that_the_umask_leaves(tmp_path, mask):
    """Whatever a library gave them: safetensors writes for the owner alone."""
    before = os.umask(mask)
    try:
        with whole_folder(tmp_path / "folder") as part:
            (part / "inner").mkdir()
            (part / "inner" / "file").touch(0o600)
        with whole_file(tmp_path / "file") as part:
            part.touch(0o600)
    finally:
        os.umask(before)
    folders = [tmp_path / "folder", tmp_path / "folder" / "inner"]
    files = [tmp_path / "file", tmp_path / "folder" / "inner" / "file"]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o777 & ~mask}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o666 & ~mask}
