"""Fixtures of the tests of estimators."""

from __future__ import annotations

import pytest

from fourfold.estimators import supervised


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    """Keep no source model of another test."""
    monkeypatch.setattr(supervised, "_kept", type(supervised._kept)())
