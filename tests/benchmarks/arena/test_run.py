"""A task of all sides, here and in small; the arena goes on where it was."""

from __future__ import annotations

import json

import pytest
from safetensors.numpy import load_file

from benchmarks.__main__ import main
from benchmarks.arena import records, run
from benchmarks.arena.figures import figures
from benchmarks.arena.pairs import PAIRS
from benchmarks.arena.sides import Settings, measure
from benchmarks.arena.task import Pair
from fourfold.errors import ParameterError
from made_up_task import build

SMALL = {
    "methods": ["SourceOnly"],
    "recipe": {"epochs": 2, "min_steps": 4},
    "seeds": 1,
    "folds": 2,
    "jobs": 1,
}
QUICK = Settings(seeds=1, folds=2, options=SMALL)


PAIR = Pair("made-up", "made-up", "tables", "auc", (16,), 1, build)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    pytest.importorskip("lightgbm", reason="needs the extra bench")
    folder = tmp_path_factory.mktemp("arena")
    (task,) = PAIR.tasks
    return folder, {
        side: measure(side, task, folder, QUICK) for side in ("all", "default", "script")
    }


def test_every_side_of_a_task_is_measured_on_the_same_data(measured):
    _, found = measured
    assert len({one["data"] for one in found.values()}) == 1
    for one in found.values():
        assert (one["task"], one["labels"], one["metric"]) == ("made-up/16/0", 16, "auc")
        assert sum(one["classes"].values()) == 16
        json.dumps(one)


def test_what_ships_is_judged_beside_the_best_baseline_and_the_oracle(measured):
    _, found = measured
    study, script = found["default"], found["script"]
    scores = study["scores"]
    assert study["score"] == pytest.approx(scores[study["shipped"]])
    assert study["oracle_score"] == max(scores.values()) >= study["baseline_score"]
    assert study["baseline"] in {"TargetOnly", "Linear", "KernelSVM"}
    assert script["script"] == min(script["losses"], key=script["losses"].get)
    assert 0.7 < script["score"] <= 1
    assert 0 <= study["brier"] < 0.3
    assert figures([found])["tasks"] == 1


def test_outputs_of_all_candidates_are_kept_to_replay_the_choice(measured):
    folder, found = measured
    every = found["all"]
    fitted = {run["method"] for run in every["runs"]}
    assert (
        {"SourceOnly", "TargetOnly", "Linear", "KernelSVM"} <= fitted <= every["candidates"].keys()
    )
    assert len(every["runs"]) == len(fitted) * 3  # the whole target, and two folds
    held = [run["held"] for run in every["runs"] if run["split"] is not None]
    assert sorted({position for part in held for position in part}) == list(range(16))
    for one in every["runs"]:
        outputs = load_file(folder / every["study"] / one["file"])
        asked = "evaluate" if one["split"] is None else "held"
        assert len(outputs[asked]) == (80 if one["split"] is None else len(one["held"]))
    for candidate in every["candidates"].values():
        assert len(candidate["scores"]) == 1
        assert len(candidate["choice"]) == 2


def test_what_is_measured_is_not_measured_again(tmp_path, monkeypatch):
    task = run.chosen(pattern="labour/50/0")[0]
    started = []
    monkeypatch.setattr(
        "benchmarks.arena.run.subprocess.run",
        lambda command, **_: started.append(command) or Done(),
    )
    kept = {"settings": run.key("script", task), "data": "same"}
    records.write("script", task.name, kept, tmp_path)
    assert run.run([task], ["script"], folder=tmp_path) == []
    assert started == []
    assert run.found([task], tmp_path) == []  # half of it
    run.run([task], ["script", "default"], folder=tmp_path)
    assert [command[-3] for command in started] == ["default"]
    run.run([task], ["script"], again=True, folder=tmp_path)
    assert [command[-3] for command in started] == ["default", "script"]


class Done:
    returncode = 0


def test_records_of_other_settings_or_other_data_do_not_count(tmp_path):
    task = run.chosen(pattern="labour/50/0")[0]
    for side in ("script", "default"):
        records.write(side, task.name, {"settings": run.key(side, task), "data": "a"}, tmp_path)
    assert len(run.found([task], tmp_path)) == 1
    kept = {"settings": run.key("default", task), "data": "b"}
    records.write("default", task.name, kept, tmp_path)
    assert run.found([task], tmp_path) == []
    records.write("script", task.name, {"settings": "old", "data": "b"}, tmp_path)
    assert records.read("script", task.name, run.key("script", task), tmp_path) is None


def test_a_side_that_fails_is_named_with_its_last_line(tmp_path, monkeypatch):
    task = run.chosen(pattern="labour/50/0")[0]
    failed = type("Failed", (), {"returncode": 2, "stderr": "first\nthe data are missing\n"})
    monkeypatch.setattr("benchmarks.arena.run.subprocess.run", lambda *_, **__: failed)
    said = run.run([task], ["script"], folder=tmp_path)
    assert said == ["labour/50/0, script: the data are missing"]


def test_tasks_are_chosen_by_group_and_pattern():
    assert {task.pair.group for task in run.chosen("sounds")} == {"sounds"}
    assert [task.name for task in run.chosen(pattern="houses/*/1")] == [
        "houses/50/1",
        "houses/200/1",
    ]
    assert {task.name for task in run.chosen(quick=True)} == set(run.QUICK)
    draws = [task.draw for task in run.chosen()]
    assert draws == sorted(draws)
    assert len(draws) == sum(len(pair.tasks) for pair in PAIRS)
    with pytest.raises(
        ParameterError, match=r"cell and tasks must leave some, of tables, .*; got x"
    ):
        run.chosen("x")


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--cell", "nothing"], 2), (["--side", "nothing"], 2), ([], 1)]
)
def test_the_command_ends_with_a_sentence(arguments, code, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "arena", *arguments])
    monkeypatch.setattr("benchmarks.arena.command.run", lambda *_, **__: ["labour: it failed"])
    monkeypatch.setattr("benchmarks.arena.command.found", lambda _: [])
    assert main() == code
    assert capsys.readouterr().err.count("\n") == 1


def test_sides_that_are_none_are_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "arena", "--sides", "ours"])
    with pytest.raises(SystemExit):
        main()
    assert "--sides must be some of all, default, script; got ours" in capsys.readouterr().err
