"""The benchmark of adaptation says what is measured so far, and goes on from its records."""

from __future__ import annotations

import pytest

from benchmarks import adaptation
from benchmarks.arena import records
from benchmarks.harness import measure


def _recorded(folder, pair, draw, shipped):
    s = adaptation.Settings()
    (task,) = (
        t for part in adaptation.PAIRS for t in s.tasks(part) if t.name == f"{pair}/0/{draw}"
    )
    scores = {"SourceLinear": 0.8, "SHOT": 0.9}
    study = {
        "score": shipped,
        "oracle_score": 0.9,
        "scores": scores,
        "choices": {"SourceLinear": 0.7, "SHOT": 1.0},
        "seconds": 1.0,
    }
    for side, record in (("default", study), ("script", {"scores": {"LR": 0.7}})):
        own = {**record, "settings": adaptation._digest(side, task, s)}
        records.write(side, task.name, own, folder)


def test_figures_hold_for_the_pairs_so_far(tmp_path, monkeypatch):
    monkeypatch.setattr(adaptation, "FOLDER", tmp_path)
    assert measure(adaptation.BENCHMARK, sides=[]).figures == {}
    _recorded(tmp_path, "demo", 0, shipped=0.9)
    _recorded(tmp_path, "speaker-theo", 0, shipped=0.7)
    found = measure(adaptation.BENCHMARK, sides=[])
    assert list(found.raw) == ["demo", "speakers"]
    assert found.figures["safe_rate"] == 0.5
    assert found.figures["demo"] == 0.9
    assert found.figures["demo_draws"] == 1
    assert found.figures["speakers_gain"] == pytest.approx(-0.1)
    assert "moons" not in found.figures
