"""Several tasks from the command line: --task NAME=PATH."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from fourfold import MultiTask, Recipe, save
from fourfold.cli.inputs import read_evaluated, read_tasks
from fourfold.study import JointResult

SHORT = ("--seeds", 2, "--folds", 2, "--steps", 15, "--network", "mlp", "--methods", "MultiTask")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Iris as one table with two labels, one with the first alone, arrays, and rows to judge on."""
    folder = tmp_path_factory.mktemp("tasks")
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(150)
    X, y = X[order], y[order]
    frame = pd.DataFrame({"length": X[:, 0], "breadth": X[:, 1], "petal": X[:, 2]})
    frame["kind"] = np.array(["setosa", "versicolor", "virginica"])[y]
    frame["width"] = X[:, 3]
    frame[:90].to_csv(folder / "iris.csv", index=False)
    frame[90:].to_csv(folder / "rest.csv", index=False)
    frame.drop(columns="width")[:90].to_csv(folder / "kinds.csv", index=False)
    np.savez(folder / "other.npz", X=X[:80, :2], y=y[:80])
    return folder


def both(here, file="iris.csv", option="--task"):
    return (option, f"kind={here / file}", option, f"width={here / file}")


@pytest.fixture(scope="module")
def finished(here, fourfold, tmp_path_factory):
    output = tmp_path_factory.mktemp("study") / "out"
    judged = both(here, "rest.csv", "--evaluate-task")
    said = fourfold("study", *both(here), *judged, "-o", output, *SHORT)
    assert said.code == 0, said
    return output, said


def test_labels_in_one_table_are_no_inputs_of_each_other(here):
    tasks = read_tasks([f"kind={here / 'iris.csv'}", f"width={here / 'iris.csv'}"])
    assert {tuple(domain.rows.frame.columns) for domain in tasks.values()} == {
        ("breadth", "length", "petal")
    }
    assert tasks["kind"].counts.keys() == {"setosa", "versicolor", "virginica"}
    assert tasks["width"].measured
    judged = read_evaluated([f"width={here / 'rest.csv'}"], tasks)
    assert judged["width"].n_labelled == 60
    assert list(judged["width"].rows.frame.columns) == ["breadth", "length", "petal"]


def test_columns_are_settled_over_the_tables_of_all_tasks(tmp_path):
    codes = {"one": ["1", "2", "3"], "two": ["1", "2", "3B"]}
    for name, cells in codes.items():
        frame = pd.DataFrame({"code": cells * 10, "x": np.arange(30) % 7, name: ["a", "b"] * 15})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    tasks = read_tasks([f"{name}={tmp_path / name}.csv" for name in codes])
    assert {domain.schema.columns["code"].kind for domain in tasks.values()} == {"category"}
    assert {tuple(domain.rows.frame.columns) for domain in tasks.values()} == {("code", "x")}
    notes = [[note.sentence for note in domain.schema.notes] for domain in tasks.values()]
    assert notes == [["code: codes such as '3B' beside numbers: categories"], []]


def test_pictures_of_all_tasks_get_one_size(data):
    tasks = read_tasks([f"a={data / 'source-pictures'}", f"b={data / 'more-pictures'}"])
    assert tasks["a"].rows.shape == tasks["b"].rows.shape
    assert tasks["b"].n_labelled == 60


def test_the_map_with_tasks(here, fourfold):
    said = fourfold("map", *both(here))
    assert said.code == 0
    assert "task  kind: 90 rows of 3 columns, 90 labelled in 3 classes" in said.out
    assert (
        "A study runs MultiTask; baselines: TargetOnly, Linear, KernelSVM, TargetBoosted."
        in " ".join(said.out.split())
    )


def test_a_study_of_tasks(finished):
    output, said = finished
    result = JointResult.load(output / "result.json")
    assert set(result.results) == {"kind", "width"}
    assert "Δm" in said.out
    assert " ".join(result.sentence.split()) in " ".join(said.out.split())
    page = (output / "report.html").read_text(encoding="utf-8")
    for words in ("All tasks together", "Each task", "below zero is better", result.sentence[:40]):
        assert words in page
    assert page.count('class="study"') == 3  # the summary, and each task


def test_what_it_hands_over_predicts(here, finished, fourfold):
    output, _ = finished
    for name in ("kind", "width"):
        csv = output / f"{name}.csv"
        rows = here / "rest.csv"
        said = fourfold("predict", output / "best" / name, rows, "-o", csv)
        assert said.code == 0, said
        assert len(pd.read_csv(csv)) == 60
        same = fourfold("predict", output / "best", rows, "-o", csv, "--task", name)
        assert same.out == said.out
    fourfold("predict", output / "best", rows, "-o", csv).refused(
        "--task must be one of kind, width"
    )


def test_one_task_of_several_is_predicted_and_exported(here, fourfold, tmp_path):
    tasks = read_tasks([f"kind={here / 'kinds.csv'}", f"petal={here / 'kinds.csv'}"])
    model = MultiTask(recipe=Recipe(epochs=1, min_steps=5)).fit(tasks)
    save(model, tmp_path / "model")
    csv = tmp_path / "out.csv"
    said = fourfold("predict", tmp_path / "model", here / "kinds.csv", "-o", csv, "--task", "kind")
    assert said.code == 0, said
    assert {"prediction", "p_setosa"} <= set(pd.read_csv(csv).columns)
    said = fourfold("export", tmp_path / "model", tmp_path / "kind.onnx", "--task", "kind")
    assert said.code == 0, said
    fourfold("export", tmp_path / "model", tmp_path / "x.onnx").refused("one of kind, petal")
    fourfold("export", tmp_path / "model", tmp_path / "x.onnx", "--task", "other").refused(
        "--task must be one of 'kind', 'petal'; got 'other'"
    )
    save(model.of("kind"), tmp_path / "one")
    fourfold("export", tmp_path / "one", tmp_path / "x.onnx", "--task", "kind").refused(
        "--task must be left out"
    )


def test_many_tasks_are_summed_up(here, fourfold, tmp_path):
    names = [f"t{i}" for i in range(7)]
    given = [part for name in names for part in ("--task", f"{name}={here / 'other.npz'}")]
    said = fourfold("study", *given, "-o", tmp_path / "out", *SHORT, "--seeds", 1)
    assert said.code == 0, said
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert page.count('class="study"') == 1
    assert "too many to show one by one" in page


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--task", "iris.csv"), ("--task must be NAME=PATH; got 'iris.csv'",)),
        (("--task", "=iris.csv"), ("--task must be NAME=PATH",)),
        (("--task", "kind=iris.csv", "--task", "kind=iris.csv"), ("each task once; got 'kind'",)),
        (("--task", "kind=iris.csv"), ("at least two tasks", "got 1")),
        (("--task", "kind=none.csv", "--task", "width=iris.csv"), ("none.csv", "there is none")),
        (("--task", "kind=iris.csv", "--task", "colour=iris.csv"),
         ("must have a column 'colour'", "--label", "length, breadth, petal")),
        (("--task", "a=iris.csv", "--task", "b=iris.csv", "--label", "no"),
         ("must have a column 'no'",)),
        (("--task", "kind=iris.csv", "--task", "width=iris.csv", "--source", "iris.csv"),
         ("--task must stand without", "got --source")),
        (("--task", "kind=iris.csv", "--task", "width=iris.csv", "--evaluate", "rest.csv"),
         ("got --evaluate beside it",)),
        (("--task", "kind=iris.csv", "--task", "width=iris.csv", "--evaluate-task", "k=rest.csv"),
         ("--evaluate-task must name a task, kind, width; got 'k'",)),
        (("--task", "kind=iris.csv", "--task", "width=iris.csv",
          "--evaluate-task", "kind=rest.csv"), ("must be those that are learnt",)),
        (("--task", "kind=iris.csv", "--task", "width=iris.csv", "--methods", "FineTune"),
         ("must learn several tasks at once; got FineTune",)),
        (("--source", "iris.csv"), ("must be given together, or several --task",)),
        (("--source", "iris.csv", "--target", "rest.csv", "--label", "kind",
          "--evaluate-task", "kind=rest.csv"), ("--evaluate-task must stand beside --task",)),
    ],
)  # fmt: skip
def test_refused_in_a_sentence(here, fourfold, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(here)
    fourfold("study", *options, "-o", tmp_path / "out").refused(*words)
    assert not (tmp_path / "out/runs").exists()
