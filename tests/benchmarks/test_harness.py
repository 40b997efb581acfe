"""Benchmarks run their sides in turn, report medians, and say whether targets were met."""

from __future__ import annotations

import json
import mmap
import re
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from benchmarks import outcome
from benchmarks.clock import Clock
from benchmarks.harness import ROOT, Benchmark, Measured, Stamp, Target, measure
from benchmarks.memory import Peak
from fourfold.errors import ParameterError


@dataclass(frozen=True)
class Settings:
    size: int = 3


def race(**changes) -> Benchmark:
    parts = {
        "name": "race",
        "title": "two runners",
        "counts": "· Seconds.",
        "sides": {"ours": lambda _: {}, "theirs": lambda _: {}},
        "figures": lambda medians: {
            "ratio": medians["ours"]["seconds"] / medians["theirs"]["seconds"]
        },
        "targets": {"ratio": Target("≤", 0.5)},
        "packages": ("torch",),
        "settings": Settings(),
        "quick": Settings(1),
        "rounds": 3,
    }
    return Benchmark(**{**parts, **changes})


def test_sides_take_turns_and_every_second_round_is_reversed():
    called = []

    def start(side):
        called.append(side)
        return {"seconds": 1.0}

    measure(race(), start=start)
    assert called == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]


def test_a_figure_stands_on_medians():
    seconds = iter([1.0, 4.0, 400.0, 2.0, 3.0, 6.0])  # ours 1, 2, 3; theirs 4, 400, 6
    found = measure(race(), start=lambda _: {"seconds": next(seconds)})
    assert found.figures == {"ratio": 2 / 6}
    assert [one["seconds"] for one in found.raw["theirs"]] == [4, 400, 6]


def test_rounds_must_be_at_least_one():
    with pytest.raises(ParameterError, match="rounds must be at least 1; got 0"):
        measure(race(), rounds=0, start=lambda _: {})


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (Target("≤", 0.5), 0.5, True),
        (Target("≤", 0.5), 0.51, False),
        (Target("≥", 6), 6, True),
        (Target("≥", 6), 5.9, False),
        (Target("≤", 0.5), float("nan"), False),
        (Target("≥", 6), float("nan"), False),
    ],
)
def test_a_target_is_met_or_not(target, value, met):
    assert target.met(value) is met


def test_the_file_holds_all_that_is_needed_to_judge(tmp_path):
    found = measure(race(), rounds=1, start=lambda side: {"seconds": 1 + (side == "ours")})
    path = outcome.write(found, tmp_path / "results")
    assert path == tmp_path / "results" / "race.json"
    read = json.loads(path.read_text("utf-8"))
    assert read["figures"] == {"ratio": 2.0}
    assert read["targets"] == {"ratio": {"asked": "≤ 0.5", "met": False}}
    assert read["settings"] == {"size": 3}
    assert read["rounds"] == {"ours": [{"seconds": 2}], "theirs": [{"seconds": 1}]}
    assert set(read["versions"]) == {"python", "fourfold", "torch"}
    assert read["machine"]["cpu"]
    assert read["machine"]["cores"] >= 1
    assert re.match(r"\d{4}-\d\d-\d\dT", read["date"])
    assert list(path.parent.iterdir()) == [path]


def test_the_table_says_what_was_missed(capsys):
    found = measure(race(), rounds=1, start=lambda side: {"seconds": 1 + (side == "ours")})
    outcome.show(found)
    printed = capsys.readouterr().out
    assert re.search(r"ratio\s+2\s+≤ 0.5\s+missed", printed)
    assert "Seconds." in printed


def test_sides_that_do_not_run_stay_as_they_were_measured(tmp_path):
    before = measure(race(), rounds=2, start=lambda _: {"seconds": 4.0})
    outcome.write(before, tmp_path)
    kept = outcome.stored(race(), tmp_path)
    assert kept["theirs"] == Measured([{"seconds": 4.0}] * 2, before.stamps["theirs"])
    found = measure(race(), start=lambda _: {"seconds": 1.0}, sides=["ours"], stored=kept)
    assert found.figures == {"ratio": 0.25}
    assert list(found.raw) == ["ours", "theirs"]
    read = json.loads(outcome.write(found, tmp_path).read_text("utf-8"))
    assert [len(read["rounds"][side]) for side in ("ours", "theirs")] == [3, 2]
    assert read["sides"]["theirs"] == [before.stamps["theirs"][0]._asdict()]


def test_results_without_stamps_say_that_their_code_is_not_known(tmp_path):
    path = outcome.write(measure(race(), start=lambda _: {"seconds": 1.0}), tmp_path)
    read = json.loads(path.read_text("utf-8"))
    del read["sides"]
    path.write_text(json.dumps(read), "utf-8")
    stamp = Stamp(read["date"], "", read["machine"]["cpu"])
    assert outcome.stored(race(), tmp_path)["ours"].stamps == [stamp]


def test_results_of_other_settings_are_not_gone_on_from(tmp_path):
    outcome.write(measure(race(), start=lambda _: {"seconds": 1.0}), tmp_path)
    with pytest.raises(ParameterError, match="must hold the settings of today"):
        outcome.stored(race(settings=Settings(4)), tmp_path)


def test_a_side_that_is_needed_must_be_measured():
    with pytest.raises(ParameterError, match="race needs all its sides; not measured yet: theirs"):
        measure(race(), start=lambda _: {"seconds": 1.0}, sides=["ours"])


def test_records_of_a_side_go_before_stored_rounds_and_missing_figures_stay_visible(
    tmp_path, capsys
):
    stamp = Stamp("2026-01-01", "abc")
    recorded = {"ours": Measured([{"seconds": 2.0}], [stamp])}
    own = race(
        records=lambda _, side: recorded.get(side),
        figures=lambda medians: {side: of["seconds"] for side, of in medians.items()},
        targets={"ours": Target("≤", 3), "theirs": Target("≤", 3)},
    )
    found = measure(own, sides=[])
    assert found.figures == {"ours": 2.0}
    assert found.stamps == {"ours": [stamp]}
    read = json.loads(outcome.write(found, tmp_path).read_text("utf-8"))
    assert read["targets"]["theirs"] == {"asked": "≤ 3", "met": None}
    outcome.show(found)
    assert re.search(r"theirs\s+≤ 3\s+not measured", capsys.readouterr().out)


def test_of_each_code_the_last_stamp_is_kept():
    made = [{"date": date, "code": code} for date, code in (("2", "b"), ("1", "b"), ("3", "a"))]
    assert Stamp.latest(made) == [Stamp("2", "b"), Stamp("3", "a")]


def test_what_a_side_says_when_it_fails_is_passed_on(monkeypatch, tmp_path):
    monkeypatch.setenv("FOURFOLD_DATA", str(tmp_path))
    done = _command("loop", "--quick", "--rounds", "1")
    assert done.returncode == 2
    assert done.stderr.startswith("loop, plain: the data set mnist must be at hand; got: ")
    assert "Traceback" not in done.stderr


def test_a_benchmark_runs_from_end_to_end():
    before = _results()
    done = _command("import", "--quick", "--rounds", "1")
    assert done.returncode == 0, done.stderr
    assert re.search(r"import_vs_torch\s+0\.\d+\s+≤ 0.2", done.stdout)
    assert _results() == before  # quick ones are not kept


def test_the_clock_leaves_the_first_epoch_out(monkeypatch):
    ends = iter([10.0, 11.0, 14.0, 16.0])
    monkeypatch.setattr("benchmarks.clock.time.perf_counter", lambda: next(ends))
    clock = Clock()
    for epoch in range(4):
        clock(epoch, None)
    assert clock.seconds == 2.0


def test_the_peak_counts_what_is_allocated_and_not_what_is_mapped(tmp_path):
    size = 1 << 26
    np.zeros(size, np.uint8).tofile(tmp_path / "map")
    with Peak() as before:
        pass
    with Peak() as mapped:
        assert np.memmap(tmp_path / "map", np.uint8, "r").sum() == 0
    assert mapped.megabytes - before.megabytes < 20
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS  # malloc may give what other tests have freed
    kept = np.frombuffer(mmap.mmap(-1, size, flags=private), np.uint8)
    kept[:] = 1
    with Peak() as allocated:
        assert kept[-1] == 1
    assert allocated.megabytes - before.megabytes > 50


def _command(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _results() -> dict:
    folder = ROOT / "benchmarks" / "results"
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
