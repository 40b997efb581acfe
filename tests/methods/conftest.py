"""What the tests of single methods share."""

from __future__ import annotations

import pytest

from fourfold.estimators import problem as job


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """Remember no source model of another test."""
    monkeypatch.setattr(job, "_remembered", type(job._remembered)())
