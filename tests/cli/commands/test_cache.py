"""``fourfold cache`` as a user runs it."""

from __future__ import annotations

import re


def test_the_cache_is_shown_and_cleared(fourfold, data, short, tmp_path, monkeypatch):
    monkeypatch.setenv("FOURFOLD_CACHE", str(tmp_path / "cache"))
    assert fourfold("cache").out.startswith("0.0 MB in ")
    domains = ("--source", data / "source.npz", "--target", data / "target.npz")
    fourfold("study", *domains, "-o", tmp_path / "out", *short)
    shown = fourfold("cache").out
    assert len(re.findall(r"^artifact +[0-9a-f]{32} ", shown, re.MULTILINE)) == 2  # one a seed
    assert "…" not in shown
    freed = fourfold("cache", "--clear").out
    assert f"freed in {tmp_path / 'cache'}" in freed
    assert not freed.startswith("0.0")
    assert fourfold("cache").out.startswith("0.0 MB in ")
    assert not list((tmp_path / "cache" / "artifacts").iterdir())
