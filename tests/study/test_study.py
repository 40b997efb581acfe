"""Studies on real digits: what is chosen, what is judged, what evaluation labels cannot touch."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal

import numpy as np
import pytest
from sklearn.datasets import load_digits

from fourfold import Domain, FineTune, Recipe, Store, load
from fourfold.errors import DataError, ParameterError
from fourfold.planner import locate
from fourfold.preparation.choose import Standardize
from fourfold.study.result import Result
from fourfold.study.running.outcomes import Outcome
from study.samples import domains, weights
from study.samples import transfer_study as study


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder and the result of a study of fine-tuning with rows to judge on."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, study(folder, *domains(), methods=["FineTune"]).run()


def test_few_labels_with_evaluation(tmp_path):
    source, target, evaluate = (each.subset(np.flatnonzero(each.y < 4)) for each in domains())
    plan, store = locate([source], target), Store(tmp_path / "store")
    short = {"recipe": Recipe(epochs=1, min_steps=5), "racing": False, "seeds": 1}
    result = study(tmp_path, source, target, evaluate, store=store, **short).run()
    assert result.cell == "finetuning"
    fitted = {line.method for line in result.lines if not line.blended}
    assert fitted == {*plan.tried(), *plan.baselines, "Pooled boosting", "Recalibrated boosting"}
    assert not any(line.error for line in result.lines)
    assert all(len(line.scores) == 1 and len(line.choice) == 2 for line in result.lines)
    assert result.verdict in {"helped", "hurt", "undecided"}
    assert sum(map(sum, result.confusion)) == evaluate.n_rows
    best = load(tmp_path / "out" / "best")
    assert type(best).__name__ in result.shipped  # a blend may be of baselines
    assert Result.load(tmp_path / "out" / "result.json") == result
    artifacts = [entry for entry in store.entries() if entry.kind == "artifact"]
    assert len(artifacts) == 3  # a network, a line and trees of the source, once each


def test_baselines_are_those_of_the_cells_of_the_methods(tmp_path):
    alone = ["TargetOnly", "Linear", "KernelSVM", "TargetBoosted"]
    beside = {
        "FineTune": alone,
        "SourceOnly": alone,
        "ProgressiveNetwork": [*alone, "RandomColumn"],
    }
    for method, baselines in beside.items():
        [question] = study(tmp_path, *domains(), methods=[method]).questions.values()
        assert list(question.candidates) == [*baselines, method]


def test_few_labels_without_evaluation_are_judged_by_folds(tmp_path):
    source, target, _ = domains()
    result = study(tmp_path, source, target, methods=["FineTune"]).run()
    assert all(line.scores == line.choice for line in result.lines)
    fine_tuned = next(line for line in result.lines if line.method == "FineTune")
    assert fine_tuned.difference is not None


def test_no_labels_are_chosen_by_a_validator(tmp_path):
    source, target, evaluate = domains(None)
    result = study(tmp_path, source, target, evaluate, methods=["DANN"]).run()
    assert result.cell == "adaptation"
    sources = {"SourceOnly", "SourceLinear", "SourceSVM", "SourceBoosted"}
    assert {line.method for line in result.lines} == {*sources, "DANN"}
    assert "over the source model as it is, Source" in result.sentence
    (adapted,) = [line for line in result.lines if line.method == "DANN"]
    assert result.shipped in (sources if adapted.doubted else {"DANN"})
    assert ("held-out labels of the source" in result.chosen_by) == adapted.doubted


def test_numbers_without_target_labels_ship_a_model_of_the_source(tmp_path):
    """Without labels nothing tells which adapted model of numbers is right."""
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 4))
    y = X @ [1.0, -1.0, 0.5, 0.0] + random.normal(0, 0.1, 200)
    source, target = Domain(X[:100], y[:100]), Domain(X[100:160] + 0.5)
    judged = Domain(X[160:] + 0.5, y[160:])
    result = study(tmp_path, source, target, judged, methods=["CORAL", "DeepCORAL"]).run()
    assert result.shipped == "SourceLinear"
    assert "held-out labels of the source" in result.chosen_by
    assert {"CORAL", "DeepCORAL"} <= {line.method for line in result.lines if line.scores}


def test_nothing_to_judge_by_is_undecided(tmp_path):
    source, target, _ = domains(None)
    result = study(tmp_path, source, target, methods=["DANN"]).run()
    assert result.verdict == "undecided"
    assert "too few target labels" in result.sentence
    assert result.shipped


def test_one_label_a_class_has_no_folds(tmp_path):
    source, target, evaluate = domains(1)
    result = study(tmp_path, source, target, evaluate, methods=["FineTune"]).run()
    assert any("nothing can be held out" in note for note in result.notes)
    assert result.settings["folds"] == 0


def test_evaluation_labels_change_no_model(tmp_path):
    """Other evaluation labels give other scores, but the same models and the same choice."""
    source, target, evaluate = domains()
    shuffled = Domain(evaluate.rows, np.random.default_rng(0).permutation(evaluate.y))
    options = {"methods": ["FineTune", "Rehearsal", "Prototypes"], "seeds": 1}
    results = [
        study(tmp_path / name, source, target, judged, **options).run()
        for name, judged in {"true": evaluate, "shuffled": shuffled}.items()
    ]
    assert results[0].lines[0].scores != results[1].lines[0].scores
    assert results[0].shipped == results[1].shipped
    models = [weights(tmp_path / name / "out" / "models") for name in ("true", "shuffled")]
    assert models[0] == models[1]
    runs = [
        sorted(p.name for p in (tmp_path / n / "out" / "runs").iterdir())
        for n in ("true", "shuffled")
    ]
    assert runs[0] == runs[1]


def test_a_source_with_shuffled_labels_does_not_ship(tmp_path):
    """Negative transfer: a source that teaches nonsense hurts, and has no weight in a blend."""
    source, target, evaluate = domains(n=600)
    wrong = Domain(source.rows, np.random.default_rng(0).permutation(source.y))
    options = {
        "methods": ["FineTune", "SourceOnly"],
        "recipe": Recipe(epochs=10),
        "seeds": 3,
        "racing": False,
    }
    result = study(tmp_path, wrong, target, evaluate, **options).run()
    line = {line.method: line for line in result.lines}
    assert np.mean(line["SourceOnly"].scores) < 0.3
    assert line["SourceOnly"].verdict == "hurt"
    assert result.verdict != "helped"
    best = max(np.mean(row.scores) for row in result.lines if row.role == "baseline")
    assert np.mean(line[result.shipped].scores) > best - 0.02


def test_resume_takes_over_what_is_finished(finished, tmp_path, monkeypatch):
    folder, first = finished
    shutil.copytree(folder / "out", tmp_path / "out")
    fits = []
    monkeypatch.setattr(
        "fourfold.study.running.execution.execute",
        lambda run, *_: fits.append(run) or pytest.fail("refitted"),
    )
    again = study(tmp_path, *domains(), methods=["FineTune"], resume=True).run()
    assert not fits
    assert [line.scores for line in again.lines] == [line.scores for line in first.lines]


def die_in_the_midst(output):
    """Kill this process once it has saved five fits of a study."""
    saved, save = [], Outcome.save

    def dying(self, path):
        save(self, path)
        saved.append(path)
        if len(saved) == 5:
            os.kill(os.getpid(), signal.SIGKILL)

    Outcome.save = dying
    study(output, *domains(), methods=["FineTune"], resume=True).run()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_killed_study_resumes_to_the_same_result(finished, tmp_path):
    whole, right = finished
    process = multiprocessing.get_context("fork").Process(target=die_in_the_midst, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    runs = tmp_path / "out/runs"
    before = {file.name: file.stat().st_mtime_ns for file in runs.glob("*.safetensors")}
    assert len(before) == 5
    result = study(tmp_path, *domains(), methods=["FineTune"], resume=True).run()
    after = {file.name: file.stat().st_mtime_ns for file in runs.glob("*.safetensors")}
    assert before.items() < after.items()
    scores = [{line.method: line.scores for line in found.lines} for found in (result, right)]
    assert scores[0] == scores[1]
    assert weights(tmp_path / "out/best") == weights(whole / "out/best")


def test_a_method_that_fails_is_named_and_the_rest_goes_on(tmp_path):
    source, target, evaluate = domains()
    impossible = FineTune(head="source", recipe=Recipe(epochs=1, learning_rate=1e30))
    result = study(tmp_path, source, target, evaluate, methods=[impossible, "FineTune"]).run()
    failed = [line for line in result.lines if line.error]
    assert [line.method for line in failed] == ["FineTune"]
    assert "loss must stay finite" in failed[0].error
    assert any("could not run" in note for note in result.notes)


def test_the_same_method_twice_with_other_parameters(tmp_path):
    source, target, evaluate = domains()
    methods = [FineTune(), FineTune(probe_first=True)]
    result = study(tmp_path, source, target, evaluate, methods=methods, seeds=1).run()
    lines = {line.method: line for line in result.lines}
    assert lines["FineTune-2"].parameters["probe_first"] == "True"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seeds": 0}, "seeds must be at least 1; got 0"),
        ({"folds": 1}, "folds must be at least 2; got 1"),
        ({"methods": ["Bogus"]}, "methods must be among"),
        ({"methods": "FineTune"}, "methods must be a list of names or estimators; got 'FineTune'"),
        ({"seeds": 1.5}, "seeds must be a whole number; got 1.5"),
        ({"minutes": "5"}, "minutes must be a number above 0; got '5'"),
        ({"methods": ["DANN"]}, "nothing is left to guess"),
        ({"metric": "bogus"}, "metric must be one of"),
        ({"network": 3}, "network must be a module, a Builder or a name; got int"),
        ({"recipe": 3}, "recipe must be a Recipe, or a mapping of what to change; got int"),
    ],
)
def test_options_are_checked_before_training(tmp_path, options, says):
    with pytest.raises(ParameterError, match=says):
        study(tmp_path, *domains(), **options)


def test_data_are_checked_before_training(tmp_path):
    source, target, evaluate = domains()
    with pytest.raises(DataError, match="at least two classes"):
        study(tmp_path, source, Domain(target.rows, np.zeros(50, int)))
    with pytest.raises(DataError, match="evaluate on must have labels"):
        study(tmp_path, source, target, evaluate.unlabelled())
    with pytest.raises(DataError, match="features"):
        study(tmp_path, source, target, Domain(np.zeros((5, 3)), [0, 1, 2, 3, 4]))


def test_the_result_is_plain_json(finished):
    folder, _ = finished
    raw = json.loads((folder / "out" / "result.json").read_text(encoding="utf-8"))
    assert raw["settings"]["seeds"] == [0, 1]
    assert len(raw["pictures"]) == 2


def test_a_resumed_study_keeps_the_models_that_it_judged(tmp_path):
    """Another recipe in between leaves its own models in the folder."""
    options = {"methods": ["FineTune"], "seeds": 1}
    first = study(tmp_path, *domains(), **options).run()
    saved = weights(tmp_path / "out" / "models")
    other = Recipe(epochs=1, min_steps=2)
    study(tmp_path, *domains(), recipe=other, resume=True, **options).run()
    assert weights(tmp_path / "out" / "models") != saved
    again = study(tmp_path, *domains(), resume=True, **options).run()
    assert again.lines[0].scores == first.lines[0].scores
    assert weights(tmp_path / "out" / "models") == saved


def test_a_method_may_have_a_preparation_of_its_own(tmp_path):
    own = FineTune(prepare=Standardize())
    result = study(tmp_path, *domains(), methods=[own], seeds=1).run()
    assert not any(line.error for line in result.lines)


def test_the_balance_of_evaluation_labels_does_not_change_what_models_are_chosen_by(tmp_path):
    source, target, evaluate = domains()
    two = [Domain(d.rows, d.y == 1) for d in (source, target)]
    even = np.flatnonzero(evaluate.y < 2)
    judged = {"rare": Domain(evaluate.rows, evaluate.y == 1),
              "even": Domain(evaluate.rows.subset(even), evaluate.y[even] == 1)}  # fmt: skip
    target = two[1].subset(np.r_[np.flatnonzero(two[1].y), np.flatnonzero(~two[1].y)[:5]])
    studies = {name: study(tmp_path / name, two[0], target, d) for name, d in judged.items()}
    rare, even = (studies[name].questions["target"].protocol for name in ("rare", "even"))
    assert rare.score.name != even.score.name
    assert rare.choice.name == even.choice.name == "accuracy"


def test_a_class_without_a_label_yet_can_still_be_shipped(tmp_path):
    source, *_ = domains(n=600)
    X, y = load_digits(return_X_y=True)
    target = Domain(X[:60] + 2, np.where(y[:60] < 6, y[:60], -1))  # no label of four in ten
    evaluate = Domain(X[1200:] + 2, y[1200:])
    asked = {"methods": ["FineTune"], "recipe": Recipe(epochs=2, min_steps=60), "seeds": 1}
    result = study(tmp_path, source, target, evaluate, **asked).run()
    assert result.shipped in {"FineTune", "SourceOnly"}
    (said,) = [note for note in result.notes if "no label of class 6, 7, 8, 9 yet" in note]
    assert "TargetOnly, Linear, KernelSVM, TargetBoosted cannot predict them" in said


def test_errors_are_shown_as_they_are_and_lower_is_better(tmp_path):
    source, target, evaluate = domains(5)
    asked = {"methods": ["FineTune"], "metric": "log_loss", "seeds": 1}
    result = study(tmp_path, source, target, evaluate, **asked).run()
    assert (result.metric, result.lower_is_better) == ("log_loss", True)
    means = [np.mean(line.scores) for line in result.lines]
    assert means == sorted(means)
    assert all(mean > 0 for mean in means)
    assert result.shipped == min(result.lines, key=lambda line: np.mean(line.choice)).method
    (tuned,) = [line for line in result.lines if line.role == "transfer"]
    best = min(np.mean(line.scores) for line in result.lines if line.role == "baseline")
    assert tuned.difference.mean == pytest.approx(np.mean(tuned.scores) - best, abs=0.05)
    assert {"helped": tuned.difference.high < 0, "hurt": tuned.difference.low > 0}.get(
        result.verdict, True
    )
    assert "log loss, lower is better" in result.sentence
