"""Studies of several tasks: whom sharing helped, what is handed over, what labels cannot touch."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from sklearn.datasets import load_digits

from fourfold import Domain, FineTune, JointResult, Mlp, MultiTask, Recipe, load
from fourfold.errors import DataError, FileError, ParameterError
from fourfold.study import gate
from fourfold.study.choice.standing import Standing
from fourfold.study.leaderboard import TIE
from fourfold.study.running.runs import list_runs
from fourfold.study.running.shipping import ship
from study.samples import judged, tasks, weights
from study.samples import tasks_study as study

ALONE = {"TargetOnly", "Linear", "KernelSVM", "TargetBoosted"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder and the result of a study with rows to judge on."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, study(folder, evaluate=judged()).run()


def test_each_task_alone_is_always_beside(tmp_path):
    result = study(tmp_path, evaluate=judged(), methods=None).run()
    assert list(result.results) == ["digit", "even", "light"]
    for name, own in result.results.items():
        methods = {line.method for line in own.lines}
        assert methods == ALONE | {"MultiTask", "MultiTask uncertainty", "MultiTask pcgrad"}
        assert own.cell == "multitask"
        assert own.best_baseline in ALONE
        assert all(len(line.scores) == len(line.choice) == 2 for line in own.lines)  # seeds, folds
        best = max(line.expected.mean for line in own.lines)
        shipped = next(line for line in own.lines if line.method == result.shipped[name])
        assert shipped.expected.mean >= best - TIE
    assert {own.metric for own in result.results.values()} == {"accuracy", "r2"}
    assert result.chosen == result.lines[0].method
    assert result.leave_out == result.lines[0].tasks("hurt")
    assert all(line.delta.low <= line.delta.mean <= line.delta.high for line in result.lines)


def test_delta_is_the_papers(finished):
    """Recomputed from the scores: accuracy is better high, what R² leaves unexplained low."""
    _, result = finished
    values = []
    for own in result.results.values():
        scores = {line.method: np.array(line.scores) for line in own.lines}
        m, b = scores["MultiTask"], scores["TargetOnly"]
        if own.metric == "r2":
            values.append(100 * ((1 - m) - (1 - b)) / (1 - b))
        else:
            values.append(-100 * (m - b) / b)
    assert result.lines[0].delta.mean == pytest.approx(np.mean(values))


def test_what_is_handed_over_answers_for_its_task(finished):
    folder, result = finished
    for name, domain in tasks().items():
        model = load(folder / "out/best" / name)
        assert len(model.predict(domain.rows)) == domain.n_rows
        wanted = "Member" if result.shipped[name] == "MultiTask" else result.shipped[name]
        assert type(model).__name__ == wanted


def test_a_joint_winner_is_handed_over_as_it_was_trained(finished, tmp_path):
    folder, _ = finished
    shutil.copytree(folder / "out", tmp_path / "out")
    planned = study(tmp_path, evaluate=judged(), resume=True)
    nothing = dict.fromkeys(tasks(), Standing({}, {}, {}))
    ship(planned.questions, dict.fromkeys(tasks(), "MultiTask"), nothing, planned._context())
    whole = load(tmp_path / "out/models/MultiTask")
    X = judged()["even"].rows
    for name in tasks():
        alone = load(tmp_path / "out/best" / name)
        assert np.array_equal(alone.outputs(X), whole.outputs(X, task=name))


def test_evaluation_labels_change_no_model_and_no_choice(finished, tmp_path):
    random = np.random.default_rng(0)
    wrong = {n: Domain(d.rows, random.permutation(d.y)) for n, d in judged().items()}
    folder, one = finished
    two = study(tmp_path, evaluate=wrong).run()
    assert one.results["digit"].lines[0].scores != two.results["digit"].lines[0].scores
    assert (one.shipped, one.chosen) == (two.shipped, two.chosen)
    assert weights(folder / "out") == weights(tmp_path / "out")


def test_a_task_of_noise_that_is_learnt_beside_does_not_pass_as_a_gain(tmp_path):
    """A network so small that a loud task takes it over: the quiet one is hurt, and named."""
    X, y = load_digits(return_X_y=True)
    random = np.random.default_rng(0)
    noise = Domain(X[:200], random.integers(0, 10, 200))
    given = {"digit": Domain(X[:200], y[:200]), **{f"noise {i}": noise for i in range(2)}}
    rows = {"digit": Domain(X[800:], y[800:])} | {
        name: Domain(X[800:1000], random.integers(0, 10, 200)) for name in list(given)[1:]
    }
    recipe = Recipe(steps=80, learning_rate=0.02)
    result = study(
        tmp_path,
        tasks=given,
        evaluate=rows,
        network=Mlp(hidden_layer_sizes=(3,)),
        recipe=recipe,
        seeds=2,
    ).run()
    assert "digit" in result.leave_out
    assert "Leave out digit" in result.sentence
    assert result.shipped["digit"] != "MultiTask"


def test_holm_goes_over_tasks_and_methods(tmp_path, monkeypatch):
    seen, holm = [], gate.holm

    def watched(intervals):
        seen.append(set(intervals))
        return holm(intervals)

    monkeypatch.setattr(gate, "holm", watched)
    study(tmp_path, methods=[MultiTask(), MultiTask(balance="uncertainty")], seeds=1).run()
    methods = ("MultiTask", "MultiTask uncertainty")
    assert seen == [{(task, method) for task in tasks() for method in methods}]


def test_resume_takes_over_what_is_finished_and_the_result_is_kept(finished, tmp_path, monkeypatch):
    folder, first = finished
    shutil.copytree(folder / "out", tmp_path / "out")
    assert JointResult.load(tmp_path / "out/result.json") == first

    monkeypatch.setattr(
        "fourfold.study.running.execution.execute", lambda *_: pytest.fail("refitted")
    )
    again = study(tmp_path, evaluate=judged(), resume=True).run()
    assert [line.scores for line in again.results["digit"].lines] == [
        line.scores for line in first.results["digit"].lines
    ]
    even = tasks()["even"]
    data = {**tasks(), "even": Domain(even.rows, 1 - even.y)}
    with pytest.raises(FileError, match="one of other data"):
        study(tmp_path, tasks=data, evaluate=judged(), resume=True)
    changed = study(tmp_path, tasks=data, evaluate=judged(), force=True)
    context = changed._context()
    kept = [
        set(run.held)
        for run in list_runs(changed.questions, range(changed.seeds))
        if context.finished(run, context.key(run))
    ]
    assert kept
    assert all(names in ({"digit"}, {"light"}) for names in kept)  # no joint fit, no "even"


def test_a_method_that_fails_is_named_and_the_rest_goes_on(tmp_path):
    wild = MultiTask(recipe=Recipe(epochs=1, learning_rate=1e30))
    result = study(tmp_path, methods=[wild, MultiTask(balance="uncertainty")], seeds=1).run()
    failed = {line.method: line.error for line in result.lines if line.error}
    assert list(failed) == ["MultiTask"]
    assert "loss must stay finite" in failed["MultiTask"]
    assert result.chosen == "MultiTask uncertainty"
    alone = study(tmp_path / "alone", methods=[wild], seeds=1).run()
    assert (alone.chosen, alone.leave_out, alone.verdict) == ("", [], "undecided")
    assert alone.sentence.startswith("Undecided: no method of several tasks could run")
    assert set(alone.shipped.values()) <= ALONE


def test_tasks_of_different_inputs_meet_in_the_middle(tmp_path):
    given = tasks()
    given["light"] = Domain(given["light"].rows.sample(1000)[:, :30], given["light"].y)
    result = study(tmp_path, tasks=given, methods=None, seeds=1).run()
    assert all("middle" in line.method for line in result.lines)
    assert not any(line.error for line in result.lines)


def test_strange_names_of_tasks_are_kept_apart(tmp_path):
    given = {"a/b": tasks()["even"], "..": tasks()["light"], "ä b": tasks()["digit"]}
    result = study(tmp_path, tasks=given, seeds=1).run()
    assert set(result.results) == set(given)
    assert len(list((tmp_path / "out/best").iterdir())) == 3


def test_the_result_is_plain_json(finished):
    folder, _ = finished
    raw = json.loads((folder / "out/result.json").read_text(encoding="utf-8"))
    assert set(raw["results"]) == set(tasks())


X, Y = tasks()["digit"].rows, tasks()["digit"].y


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"tasks": {"a": Domain(X, Y)}}, DataError, "at least two tasks"),
        ({"tasks": {"a": Domain(X, Y), "b": Domain(X)}}, DataError, "task 'b' must have labels"),
        ({"tasks": {"a": Domain(X, Y), "b": Domain(X, Y * 0)}}, DataError, "labels of 'b' must be"),
        ({"source": Domain(X, Y)}, ParameterError, "a source and a target, or of tasks; got both"),
        ({"evaluate": Domain(X, Y)}, ParameterError, "evaluate must be names with a Domain each"),
        ({"evaluate": {"digit": Domain(X, Y)}}, ParameterError, "must be those that are learnt"),
        ({"evaluate": {n: Domain(X) for n in tasks()}}, DataError, "'digit' on must have labels"),
        ({"methods": [FineTune()]}, ParameterError, "must learn several tasks at once; got Fine"),
        ({"methods": ["Bogus"]}, ParameterError, "methods must be among"),
        ({"methods": []}, ParameterError, "methods must hold one"),
        ({"folds": 1}, ParameterError, "folds must be at least 2; got 1"),
        ({"metric": "bogus"}, ParameterError, "metric must be one of"),
        ({"tasks": None}, ParameterError, "must have a source and a target, or tasks"),
    ],
)
def test_refused_before_training(tmp_path, options, error, says):
    with pytest.raises(error, match=says):
        study(tmp_path, **options)
