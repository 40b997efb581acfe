"""Each command as a user runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from fourfold import Recipe, Store, Study, load, read_domain
from fourfold.methods import cells
from fourfold.methods.baselines.target_only import TargetOnly

HEAVY = ("torch", "sklearn", "pandas", "scipy")


def leaderboard(said):
    """Return the names on the leaderboard that was printed."""
    return set(re.findall(r"^(?:→| ) +(\w+) +[-\d]", said.out, re.MULTILINE))


def result(output):
    return json.loads((output / "result.json").read_text())


@pytest.mark.parametrize("start", ["import fourfold", "--help"])
def test_nothing_heavy_is_loaded_to_begin_with(start):
    command = start
    if start == "--help":
        command = (
            "import sys; sys.argv = ['fourfold', '--help']\n"
            "from fourfold.cli import main\n"
            "try: main()\n"
            "except SystemExit as stop: assert not stop.code\n"
        )
    ask = f"\nimport sys; print('loaded', [m for m in {HEAVY} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", command + ask], capture_output=True, text=True, check=True
    )
    assert run.stdout.endswith("loaded []\n")


def test_help_names_every_command(fourfold):
    said = fourfold()
    assert said.code == 0
    assert re.findall(r"^  (\w+)  ", said.out, re.MULTILINE) == [
        *("map", "study", "predict", "export", "cache"),
    ]
    assert "..." not in said.out.split("Commands:")[1]


# --- map ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 120])
def test_the_bare_map_has_every_cell_and_fits_the_terminal(fourfold, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    said = fourfold("map")
    assert said.code == 0
    for cell in cells().values():
        assert re.search(rf"^{cell.name} ", said.out, re.MULTILINE)
    assert "…" not in said.out
    assert max(map(len, said.out.splitlines())) <= columns


def test_the_map_marks_the_place_of_data(fourfold, data):
    domains = ("--source", data / "source.csv", "--target", data / "target.csv")
    said = fourfold("map", *domains, "--label", "kind")
    assert said.code == 0
    assert re.search(r"you → +finetuning +yes +both have labels", said.out)
    assert "target: 50 rows of 5 columns, 24 labelled in 3 classes" in said.out
    without = fourfold(
        "map",
        "--source",
        data / "source.csv",
        "--target",
        data / "unlabelled.csv",
        "--label",
        "kind",
    )
    assert re.search(r"you → +adaptation +yes +50 rows of the target have no label", without.out)


def test_descriptions_of_classes_open_the_cell_of_unseen_classes(fourfold, data, tmp_path):
    classes = tmp_path / "classes.csv"
    classes.write_text("name,round,loops\ndigit 0,1,1\ndigit 1,0,0\ndigit 2,0,1\ndigit 8,1,2\n")
    domains = ("--source", data / "source-pictures", "--target", data / "flat-pictures")
    assert re.search(r"you → +zeroshot +yes", fourfold("map", *domains, "--classes", classes).out)
    assert re.search(r"you → +adaptation +yes", fourfold("map", *domains).out)


def test_names_with_brackets_are_shown_as_they_are(fourfold, data, tmp_path):
    copy = tmp_path / "[red]wine.csv"
    copy.write_bytes((data / "target.csv").read_bytes())
    said = fourfold("map", "--source", copy, "--target", copy, "--label", "kind")
    assert "source  [red]wine: 50 rows" in said.out


# --- study ----------------------------------------------------------------------------------------


def test_a_study_on_tables_ends_with_a_verdict_a_report_and_a_model(trained):
    output, said = trained
    assert leaderboard(said) == {"FineTune", "TargetOnly", "SourceOnly", "Linear"}
    found = result(output)
    assert found["sentence"] in " ".join(said.out.split())
    assert found["evaluate"]["rows"] == 38
    assert found["shipped"] == type(load(output / "best")).__name__
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
    assert leaderboard(said) == {"DANN", "SourceOnly"}


def test_numbers_as_labels_are_a_regression(fourfold, data, short, tmp_path):
    domains = ("--source", data / "source-numbers.csv", "--target", data / "target-numbers.csv")
    said = fourfold("study", *domains, "--label", "colour", "-o", tmp_path / "out", *short)
    assert said.code == 0, said
    assert result(tmp_path / "out")["metric"] == "r2"
    table = tmp_path / "predictions.csv"
    fourfold("predict", tmp_path / "out" / "best", data / "target-numbers.csv", "-o", table)
    assert pd.read_csv(table).columns.tolist() == ["prediction"]


def test_two_jobs_find_what_one_does_and_resuming_repeats_nothing(fourfold, data, tmp_path):
    domains = ("--source", data / "source.npz", "--target", data / "target.npz")
    options = ("--seeds", 1, "--folds", 2, "--steps", 10, "--methods", "FineTune")
    one, two = tmp_path / "one", tmp_path / "two"
    assert fourfold("study", *domains, "-o", one, *options).code == 0
    assert fourfold("study", *domains, "-o", two, *options, "--jobs", 2).code == 0
    scores = [{line["method"]: line["scores"] for line in result(o)["lines"]} for o in (one, two)]
    assert scores[0] == scores[1]
    runs = {file: file.stat().st_mtime_ns for file in (one / "runs").iterdir()}
    assert len(runs) == 12
    assert fourfold("study", *domains, "-o", one, *options, "--resume").code == 0
    assert {file: file.stat().st_mtime_ns for file in (one / "runs").iterdir()} == runs


def test_epochs_and_steps_change_only_the_length_of_each_method_s_own_training(data, tmp_path):
    domains = [read_domain(data / f"{name}.npz") for name in ("source", "target")]
    options = {"output": tmp_path, "store": Store(tmp_path / "store"), "progress": False}
    study = Study(*domains, recipe={"epochs": 3}, **options)
    for name in ("DANN", "FineTune", "TargetOnly"):
        method = study.candidates[name]
        own = type(method).default_recipe.get_params()
        assert method.recipe.get_params() == {**own, "epochs": 3}
    mine = TargetOnly(recipe=Recipe(epochs=7))
    kept = Study(*domains, methods=["FineTune", mine], recipe={"steps": 9}, **options)
    assert kept.candidates["FineTune"].recipe.steps == 9


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


# --- predict, export, cache -----------------------------------------------------------------------


def test_predictions_have_a_line_a_row_and_sum_to_one(fourfold, data, trained, tmp_path):
    output, _ = trained
    table = tmp_path / "new" / "predictions.csv"
    said = fourfold("predict", output / "best", data / "target.csv", "-o", table)
    assert said.out == f"50 predictions in {table}\n"
    found = pd.read_csv(table)
    names = ["barbera", "barolo", "grignolino"]
    assert found.columns.tolist() == ["prediction", *(f"p_{name}" for name in names)]
    p = found.iloc[:, 1:].to_numpy()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    assert found["prediction"].tolist() == [names[i] for i in p.argmax(axis=1)]


def test_predictions_need_neither_the_training_data_nor_their_order_of_columns(
    fourfold, data, trained, tmp_path
):
    output, _ = trained
    moved = output.rename(tmp_path / "elsewhere")
    try:
        rows = pd.read_csv(data / "target.csv")
        rows[rows.columns[::-1]].to_csv(tmp_path / "reversed.csv", index=False)
        tables = [tmp_path / "a.csv", tmp_path / "b.csv"]
        for file, table in zip(
            (data / "target.csv", tmp_path / "reversed.csv"), tables, strict=True
        ):
            assert fourfold("predict", moved / "best", file, "-o", table).code == 0
        assert tables[0].read_text() == tables[1].read_text()
    finally:
        moved.rename(output)


def test_pictures_of_another_size_and_in_colour_are_predicted(fourfold, data, tmp_path):
    domains = ("--source", data / "source-pictures", "--target", data / "target-pictures")
    options = ("--seeds", 1, "--folds", 2, "--steps", 10, "--methods", "FineTune")
    assert fourfold("study", *domains, "-o", tmp_path / "out", *options).code == 0
    table = tmp_path / "predictions.csv"
    best = tmp_path / "out" / "best"
    assert fourfold("predict", best, data / "flat-pictures", "-o", table).code == 0
    assert len(pd.read_csv(table)) == 60


def test_the_exported_file_gives_the_same_probabilities(fourfold, data, short, tmp_path):
    domains = ("--source", data / "source.npz", "--target", data / "target.npz")
    assert fourfold("study", *domains, "-o", tmp_path / "out", *short).code == 0
    best, file = tmp_path / "out" / "best", tmp_path / "model.onnx"
    assert fourfold("export", best, file).code == 0
    table = tmp_path / "predictions.csv"
    assert fourfold("predict", best, data / "unlabelled.npz", "-o", table).code == 0
    session = onnxruntime.InferenceSession(file)
    wanted = {"tensor(float)": np.float32, "tensor(double)": np.float64}
    X = np.load(data / "unlabelled.npz")["X"].astype(wanted[session.get_inputs()[0].type])
    (p,) = session.run(["probabilities"], {"input": X})
    np.testing.assert_allclose(p, pd.read_csv(table).iloc[:, 1:], atol=1e-5)


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
