"""Fixtures of the tests of methods."""

from __future__ import annotations

import pytest

from fourfold.estimators import supervised


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    """Keep no source model of another test."""
    monkeypatch.setattr(supervised, "_kept", type(supervised._kept)())


@pytest.fixture
def no_training(monkeypatch):
    """Let the test fail where a training begins."""
    monkeypatch.setattr(
        "fourfold.training.loop._Loop.run", lambda _loop: pytest.fail("a training began")
    )
