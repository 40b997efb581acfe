"""Files of a folder are regular ones inside of it, whatever their names say."""

from __future__ import annotations

import os

import pytest

from fourfold.core import inside as module
from fourfold.core.inside import files_below, inside, read_json, regular
from fourfold.errors import BundleError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "outside").write_text("1")
    (tmp_path / "here" / "deep").mkdir(parents=True)
    (tmp_path / "here" / "deep" / "a.json").write_text("[1]")
    (tmp_path / "here" / ".hidden").write_text("")
    return tmp_path / "here"


def test_files_are_listed_at_any_depth(folder):
    assert files_below(folder) == {"deep/a.json", ".hidden"}


@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "lost link", "pipe"])
def test_what_is_no_file_is_refused(folder, kind):
    odd = folder / "deep" / "odd"
    targets = {"link to a file": "../.hidden", "link to a folder": "..", "lost link": "nowhere"}
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to(targets[kind])
    with pytest.raises(BundleError, match=r"must hold regular files .*; got 'deep/odd'$"):
        files_below(folder)


def test_a_name_leads_inside(folder):
    assert inside(folder, "deep/a.json") == folder / "deep" / "a.json"


@pytest.mark.parametrize(
    "name",
    ["../outside", "deep/../../outside", "/etc/passwd", "", ".", "deep//a.json", "a\0", 5, None],
)
def test_other_names_are_refused(folder, name):
    with pytest.raises(BundleError, match="must be the path of a file inside"):
        inside(folder, name)


def test_what_is_missing_or_no_file_is_refused(folder):
    with pytest.raises(BundleError, match=r"'b\.json' must be there"):
        inside(folder, "b.json")
    with pytest.raises(BundleError, match="'deep' must be a regular file"):
        inside(folder, "deep")
    with pytest.raises(FileNotFoundError):
        regular(folder / "b.json")
    (folder / "zero").symlink_to("/dev/zero")
    with pytest.raises(BundleError, match="'zero' must be a regular file"):
        regular(folder / "zero")


@pytest.mark.parametrize(
    ("text", "got"),
    [("[" * 100_000, "RecursionError"), ("{", "JSONDecodeError"), (b"\xff", "UnicodeDecodeError")],
)
def test_what_is_no_json_is_refused_in_a_line(folder, text, got):
    path = folder / "x.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BundleError, match=rf"^x.json must be JSON; got {got}: .*$") as error:
        read_json(path)
    assert len(str(error.value)) < 200


def test_json_has_a_largest_size(folder, monkeypatch):
    assert read_json(folder / "deep" / "a.json") == [1]
    monkeypatch.setattr(module, "LARGEST_JSON", 2)
    with pytest.raises(BundleError, match=r"a\.json must have at most 2 bytes; got 3"):
        read_json(folder / "deep" / "a.json")
