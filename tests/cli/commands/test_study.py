"""``fourfold study`` as a user runs it."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fourfold import L2SP, Recipe, Store, Study, load, read_domain
from fourfold.cli.study import recipe_changes
from fourfold.cli.trained import names_of, network_of
from fourfold.errors import ParameterError
from fourfold.methods.baselines.target_only import TargetOnly


def leaderboard(said):
    """Return the names on the leaderboard that was printed."""
    return set(re.findall(r"^(?:→| ) +(\w+) +[-\d]", said.out, re.MULTILINE)) - {"label"}


def result(output):
    return json.loads((output / "result.json").read_text())


def test_a_study_on_tables_ends_with_a_verdict_a_report_and_a_model(trained):
    output, said = trained
    assert leaderboard(said) >= {"FineTune", "TargetOnly", "KernelSVM", "Linear"}
    found = result(output)
    assert found["sentence"] in " ".join(said.out.split())
    assert found["evaluate"]["rows"] == 38
    assert found["shipped"].endswith(type(load(output / "best")).__name__)
    assert found["cell"] == "finetuning"
    assert "</html>" in (output / "report.html").read_text()
    assert "…" not in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    assert not said.err


def test_columns_of_every_kind_are_used(trained):
    output, _ = trained
    assert result(output)["settings"]["preparation"].startswith(
        "3 numbers, 1 date, 1 category column as "
    )


@pytest.mark.parametrize(
    ("source", "target", "options", "kind"),
    [
        ("source.parquet", "target.parquet", ("--label", "kind"), "table"),
        ("source-texts.csv", "target-texts.csv", ("--label", "topic"), "texts"),
        ("source.npz", "target.npz", (), "array"),
        ("source-pictures", "target-pictures", (), "pictures"),
    ],
)
def test_a_study_on_every_kind_of_file(
    fourfold, data, short, tmp_path, source, target, options, kind
):
    domains = ("--source", data / source, "--target", data / target)
    said = fourfold("study", *domains, *options, "-o", tmp_path / "out", *short)
    assert said.code == 0, said
    found = result(tmp_path / "out")
    assert found["target"]["kind"] == kind
    assert "FineTune" in leaderboard(said)
    assert max(np.mean(line["scores"]) for line in found["lines"]) > 0.6


def test_pictures_without_labels_and_several_sources(fourfold, data, tmp_path):
    sources = ("--source", data / "source-pictures", "--source", data / "more-pictures")
    domains = (*sources, "--target", data / "flat-pictures", "--evaluate", data / "target-pictures")
    said = fourfold("study", *domains, "-o", tmp_path / "out", "--seeds", 1, "--steps", 20)
    assert said.code == 0, said
    found = result(tmp_path / "out")
    assert [domain["rows"] for domain in found["sources"]] == [60, 60]
    assert found["target"]["labelled"] == 0
    assert found["evaluate"]["shape"] == found["target"]["shape"]
    assert {"SourceOnly", "SourceLinear", "SourceSVM", "AdaBN", "DANN", "SHOT"} <= leaderboard(said)
    assert not any(line["error"] for line in found["lines"])


def test_numbers_as_labels_are_a_regression(fourfold, data, short, tmp_path):
    domains = ("--source", data / "source-numbers.csv", "--target", data / "target-numbers.csv")
    said = fourfold("study", *domains, "--label", "colour", "-o", tmp_path / "out", *short)
    assert said.code == 0, said
    assert result(tmp_path / "out")["metric"] == "r2"
    table = tmp_path / "predictions.csv"
    fourfold("predict", tmp_path / "out" / "best", data / "target-numbers.csv", "-o", table)
    assert pd.read_csv(table).columns.tolist() == ["row", "prediction"]


def test_two_jobs_find_what_one_does_and_resuming_repeats_nothing(fourfold, data, tmp_path):
    domains = ("--source", data / "source.npz", "--target", data / "target.npz")
    judged = ("--evaluate", data / "evaluate.npz")
    options = (*judged, "--seeds", 2, "--folds", 2, "--steps", 10, "--methods", "FineTune")
    one, two = tmp_path / "one", tmp_path / "two"
    assert fourfold("study", *domains, "-o", one, *options).code == 0
    assert fourfold("study", *domains, "-o", two, *options, "--jobs", 2).code == 0
    scores = [{line["method"]: line["scores"] for line in result(o)["lines"]} for o in (one, two)]
    assert scores[0] == scores[1]
    runs = {file: file.stat().st_mtime_ns for file in (one / "runs").iterdir()}
    single = [line for line in result(one)["lines"] if not line["blended"]]
    again = sum(not line["stopped"] for line in single)
    assert len(runs) == 3 * len(single) + again  # whole and two folds first, then whole again
    assert fourfold("study", *domains, "-o", one, *options, "--resume").code == 0
    assert {file: file.stat().st_mtime_ns for file in (one / "runs").iterdir()} == runs


def test_epochs_and_steps_change_only_the_length_of_each_method_s_own_training(data, tmp_path):
    domains = [read_domain(data / f"{name}.npz") for name in ("source", "target")]
    options = {"output": tmp_path, "store": Store(tmp_path / "store"), "progress": False}
    study = Study(*domains, recipe={"epochs": 3}, **options)
    for name in ("SHOT", "FineTune", "TargetOnly"):
        method = study.questions["target"].candidates[name]
        own = type(method).default_recipe.get_params()
        assert method.recipe.get_params() == {**own, "epochs": 3, "max_steps": None}
    mine = TargetOnly(recipe=Recipe(epochs=7))
    kept = Study(*domains, methods=["FineTune", mine], recipe={"steps": 9}, **options)
    assert kept.questions["target"].candidates["FineTune"].recipe.steps == 9


def test_options_of_training_change_each_method_s_own_recipe(data, tmp_path):
    assert recipe_changes(augment=None, ema=None) is None
    changes = recipe_changes(augment=True, ema=0.9, range_test=True, epochs=None)
    domains = [read_domain(data / f"{name}-pictures") for name in ("source", "target")]
    options = {"output": tmp_path, "store": Store(tmp_path / "store"), "progress": False}
    study = Study(*domains, recipe=changes, methods=["FineTune"], **options)
    (question,) = study.questions.values()
    recipe = question.candidates["FineTune"].recipe
    assert (recipe.ema, recipe.range_test, recipe.learning_rate) == (0.9, True, 1e-3)
    assert repr(recipe.augment) == "Augmentation()"
    assert any(note.startswith("Augmentation in training: ") for note in question.notes)
    assert recipe_changes(augment=False) == {"augment": None}


def test_a_class_to_judge_on_without_an_example_is_refused(fourfold, data, short, tmp_path):
    strange = pd.read_csv(data / "evaluate.csv")
    strange.loc[strange["kind"] == "barbera", "kind"] = "barbera of Asti"
    strange.to_csv(tmp_path / "strange.csv", index=False)
    domains = ("--source", data / "source.csv", "--target", data / "target.csv")
    judged = ("--evaluate", tmp_path / "strange.csv", "--label", "kind")
    said = fourfold("study", *domains, *judged, "-o", tmp_path / "out", *short)
    assert said.code == 2
    assert (
        "must have an example in the source or the target; got none of barbera of Asti" in said.err
    )


@pytest.mark.parametrize(("method", "code"), [("TargetOnly", 3), ("L2SP", 3), (None, 0)])
def test_a_failure_of_what_was_asked_for_is_said_first(
    fourfold, data, tmp_path, monkeypatch, method, code
):
    def broken(*_given):
        raise RuntimeError("a broken machine")

    failing = TargetOnly if method == "TargetOnly" else L2SP
    monkeypatch.setattr(failing, "_learn", broken)
    asked = ("--methods", "FineTune,L2SP") if method else ()
    domains = ("--source", data / "source.npz", "--target", data / "target.npz")
    options = ("--seeds", 1, "--folds", 2, "--steps", 5, *asked)
    said = fourfold("study", *domains, "-o", tmp_path / "out", *options)
    assert said.code == code, said
    reading = re.search(r"arrays .* in\s+source, .*? in\s+target\s", said.out, re.DOTALL)
    found = said.out[reading.end() :]
    first = next(line for line in found.splitlines() if line.strip() and " fits, " not in line)
    assert first == (
        f"Failed: {method}: RuntimeError: a broken machine" if code else "source → target"
    )
    assert (tmp_path / "out" / "best" / "bundle.json").exists()


def test_workers_end_with_a_study_that_is_killed(program, data, tmp_path):
    domains = ("--source", data / "source.npz", "--target", data / "target.npz")
    options = ("--seeds", 3, "--folds", 2, "--steps", 2000, "--methods", "FineTune", "--jobs", 2)
    argv = [program, "study", *domains, "-o", tmp_path / "out", *options]
    with subprocess.Popen(
        [*map(str, argv)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "FOURFOLD_CACHE": str(tmp_path / "cache")},
        start_new_session=True,
    ) as process:
        until = time.monotonic() + 300
        while len(_session(process.pid)) < 4 and time.monotonic() < until:  # with two workers
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.05)
        children = [os.pidfd_open(pid) for pid in _session(process.pid) - {process.pid}]
        process.kill()
    try:
        assert len(children) >= 3
        for child in children:
            assert select.select([child], [], [], 60)[0]
    finally:
        for child in children:
            os.close(child)


def _session(leader):
    """Return the processes of a session."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, session = status.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.add(int(status.parent.name))
    return found


def test_rows_that_are_learnt_from_do_not_judge(fourfold, data, tmp_path, short):
    """Also where the table has other types, and its columns stand in another order."""
    known = pd.read_parquet(data / "target.parquet").iloc[:20]
    judged = pd.read_parquet(data / "evaluate.parquet")
    both = pd.concat([known, judged], ignore_index=True).astype({"colour": np.float32})
    both[both.columns[::-1]].to_parquet(tmp_path / "both.parquet")
    known.to_csv(tmp_path / "known.csv", index=False)
    domains = ("--source", data / "source.csv", "--target", data / "target.csv", "--label", "kind")
    note = "20 of 58 rows to evaluate on are also labelled rows of the target; they "
    shown = fourfold("map", *domains, "--evaluate", tmp_path / "both.parquet")
    assert f"Note: {note}are left out" in " ".join(shown.out.split())
    output = ("-o", tmp_path / "out")
    options = (*domains, *short, "--seeds", 1, *output)
    fourfold("study", *options, "--evaluate", tmp_path / "known.csv").refused(
        "'known', to evaluate on, must have rows that are not learnt from; 20 of 20 are also "
        "labelled rows of the target: bring others, or judge on them all the same, --allow-overlap"
    )
    judged = ("--evaluate", tmp_path / "both.parquet")
    said = fourfold("study", *options, *judged)
    assert f"Note: {note}are left out of the scores." in " ".join(said.out.split())
    assert note in (tmp_path / "out" / "report.html").read_text()
    assert result(tmp_path / "out")["evaluate"]["labelled"] == 38
    said = fourfold("study", *options, *judged, "--allow-overlap", "--resume")
    assert f"Note: {note}count, as allowed." in " ".join(said.out.split())


def test_several_networks_are_separated_by_commas_before_a_prefix():
    assert names_of("hf:/a,b/c,st:english") == ["hf:/a,b/c", "st:english"]
    first, second = network_of("timm:resnet18,timm:resnet34", None, "lora")
    assert (first.name, second.name) == ("timm:resnet18", "timm:resnet34")
    assert first.adapter == second.adapter == "lora"


def test_prompts_are_of_a_pretrained_network():
    one = network_of("hf:/towers", None, None, ["a {}", "the {}"])
    assert one.prompt == ("a {}", "the {}")
    assert network_of("hf:/towers", None, None, []) == "hf:/towers"
    with pytest.raises(ParameterError, match="--prompt must stand beside --network timm:NAME"):
        network_of("mlp", None, None, ["a {}"])
