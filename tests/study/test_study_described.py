"""Studies of classes without examples: chosen on seen classes, judged on unseen ones."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from sklearn.datasets import load_digits

from fourfold import Domain, Store, Study, load
from fourfold.errors import DataError, ParameterError

PAIRS = [f"{left}|{right}" for left in range(3) for right in range(3)]
DESCRIBED = {name: {"left": name[0], "right": name[2]} for name in PAIRS}
UNSEEN = ["0|1", "2|0"]


def domains(*, seen_rows=0):
    """Two digits side by side, described as such: seven pairs have examples, two have none."""
    X, y = load_digits(return_X_y=True)
    random = np.random.default_rng(3)
    names = np.array(PAIRS * 40)
    sides = [
        [random.choice(np.flatnonzero(y == int(name[side]))) for name in names] for side in (0, 2)
    ]
    pictures = np.concatenate([X[side] for side in sides], axis=1).astype(np.float32)
    new = np.isin(names, UNSEEN)
    old = np.flatnonzero(~new)
    asked = np.concatenate([np.flatnonzero(new), old[:seen_rows]])
    kept = old[seen_rows:]
    source = Domain(pictures[kept], names[kept], classes=DESCRIBED, name="source")
    unseen = {name: DESCRIBED[name] for name in UNSEEN}
    target = Domain(pictures[asked], classes=unseen, name="target")
    return source, target, Domain(pictures[asked], names[asked], name="evaluate")


def study(tmp_path, *domains, **options):
    given = {
        "methods": ["ESZSL"],
        "seeds": 2,
        "folds": 3,
        "output": tmp_path / "out",
        "store": Store(tmp_path / "store"),
        "progress": False,
    }
    return Study(*domains, **{**given, **options})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder and the result of a study of the pairs."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, study(folder, *domains()).run()


def test_unseen_classes_are_judged_and_chosen_on_seen_ones(finished):
    folder, result = finished
    assert result.cell == "zeroshot"
    assert {line.method for line in result.lines} == {"Chance", "RidgeToDescriptions", "ESZSL"}
    assert not any(line.error for line in result.lines)
    assert result.metric == "balanced_accuracy"
    assert "classes of the source that were held out in turn" in result.chosen_by
    line = {line.method: line for line in result.lines}
    assert np.mean(line["ESZSL"].scores) > np.mean(line["Chance"].scores) + 0.2
    assert all(len(line.choice) == 6 and len(line.scores) == 2 for line in result.lines)
    best = load(folder / "out" / "best")
    assert type(best).__name__ == result.shipped
    assert best.classes_.tolist() == UNSEEN


def test_evaluation_labels_change_no_choice(finished, tmp_path):
    source, target, evaluate = domains()
    shuffled = Domain(evaluate.rows, np.random.default_rng(0).permutation(evaluate.y))
    results = [finished[1], study(tmp_path, source, target, shuffled).run()]
    assert results[0].shipped == results[1].shipped
    choices = [{x.method: x.choice for x in result.lines} for result in results]
    assert choices[0] == choices[1]
    assert results[0].lines[0].scores != results[1].lines[0].scores


def test_without_evaluation_held_out_classes_judge(tmp_path):
    source, target, _ = domains()
    result = study(tmp_path, source, target).run()
    assert all(line.scores == line.choice for line in result.lines)
    assert result.judged_by == "the same folds, corrected resampled t"
    assert next(x for x in result.lines if x.method == "ESZSL").difference is not None


def test_generalized_is_rated_by_the_harmonic_mean(tmp_path):
    result = study(tmp_path, *domains(seen_rows=100), generalized=True).run()
    assert result.metric == "harmonic_mean"
    assert not any(line.error for line in result.lines)
    eszsl = next(x for x in result.lines if x.method == "ESZSL")
    assert np.mean(eszsl.scores) > 0.5
    assert all(0 <= value <= 1 for value in eszsl.choice)
    assert load(tmp_path / "out" / "best").classes_.tolist() == PAIRS


@pytest.mark.parametrize("form", ["plain", "generalized"])
def test_no_fit_sees_what_it_is_asked(tmp_path, form):
    both = form == "generalized"
    planned = study(tmp_path, *domains(seen_rows=50 * both), generalized=both)
    splits = planned.questions["target"].protocol.splits
    seen = set(PAIRS) - set(UNSEEN)
    held = splits.parts(0)
    assert sorted(np.concatenate(held).tolist()) == list(range(7))
    for part in held:
        split = splits.apply(part)
        names = {sorted(seen)[i] for i in part}
        (source,) = split.sources
        assert set(source.counts) == seen - names
        assert not set(map(bytes, source.rows.keys)) & set(map(bytes, split.asked.rows.keys))
        assert split.target.n_labelled == 0
        wanted = seen if form == "generalized" else names
        assert set(split.target.classes.names.tolist()) == wanted
        assert set(splits.truth(part).tolist()) == wanted


def test_resume_takes_over_finished_splits(finished, tmp_path, monkeypatch):
    shutil.copytree(finished[0] / "out", tmp_path / "out")
    monkeypatch.setattr(
        "fourfold.study.running.execution.execute", lambda *_: pytest.fail("refitted")
    )
    assert study(tmp_path, *domains(), resume=True).run().shipped


def test_what_does_not_fit_is_refused(tmp_path):
    source, target, evaluate = domains()
    few = {name: DESCRIBED[name] for name in PAIRS if name != "0|0"}
    with pytest.raises(DataError, match=r"must be described; no description for 0\|0"):
        study(tmp_path, source.described(few), target, evaluate)
    with pytest.raises(DataError, match=r"generalized=True lets the others in.*got also '0\|0'"):
        study(tmp_path, source, target, domains(seen_rows=50)[2])
    bare = Domain(source.rows, source.y), Domain(target.rows)
    with pytest.raises(ParameterError, match="generalized must stand beside descriptions"):
        study(tmp_path, *bare, methods=None, generalized=True)
    with pytest.raises(ParameterError, match="clusters must be left out"):
        study(tmp_path, source, target, clusters=3)


def test_a_leak_is_said(tmp_path):
    source, target, evaluate = domains()
    rows = [source.rows.take(np.arange(source.n_rows)), evaluate.rows.take(np.arange(10))]
    leaking = Domain(
        np.concatenate(rows),
        np.concatenate([source.y, np.repeat("0|0", 10)]),
        classes=DESCRIBED,
        name="source",
    )
    planned = study(tmp_path, leaking, target, evaluate).questions["target"]
    said = "10 of 80 rows to evaluate on are also labelled rows of the source; they are left out"
    assert any(note.startswith(said) for note in planned.notes)
    assert planned.evaluate.n_labelled == 70


def test_the_lack_of_a_kind_of_classes_says_where_it_went(tmp_path):
    source, target, evaluate = domains(seen_rows=50)
    known = Domain(
        np.concatenate([d.rows.take(np.arange(d.n_rows)) for d in (source, evaluate)]),
        np.concatenate([source.y, evaluate.y]),
    )
    seen = known.subset(np.flatnonzero(~np.isin(known.y, UNSEEN))).described(DESCRIBED)
    with pytest.raises(DataError, match="the latter only; 50 of 130 rows to evaluate on are also"):
        study(tmp_path, seen, target, evaluate, generalized=True)


def test_gaps_between_whole_numbers_are_no_measurements_where_they_are_described(tmp_path):
    source, target, evaluate = domains()
    number = {name: 1000 * i + 7 for i, name in enumerate(PAIRS)}

    def renamed(domain):
        y = None if domain.y is None else np.array([number[name] for name in domain.y.tolist()])
        return Domain(domain.rows, y, name=domain.name)

    classes = {number[name]: DESCRIBED[name] for name in PAIRS}
    unseen = {number[name]: DESCRIBED[name] for name in UNSEEN}
    planned = study(
        tmp_path,
        renamed(source).described(classes),
        Domain(target.rows, classes=unseen),
        renamed(evaluate),
    )
    assert planned.run().cell == "zeroshot"


def test_an_attribute_of_new_classes_alone_stops_no_fold(tmp_path):
    source, target, evaluate = domains()
    described = {name: {**DESCRIBED[name], "wheels": 2.0 * (name == "0|1")} for name in UNSEEN}
    result = study(tmp_path, source, Domain(target.rows, classes=described), evaluate).run()
    assert not any(line.error for line in result.lines)


def test_few_seen_classes_are_refused(tmp_path):
    source, target, evaluate = domains()
    few = np.isin(source.y, PAIRS[:5])
    with pytest.raises(DataError, match=r"at least six classes.*got 4"):
        study(tmp_path, source.subset(np.flatnonzero(few)), target, evaluate)
    one = Domain(target.rows, classes={"0|1": DESCRIBED["0|1"]})
    with pytest.raises(DataError, match="at least two classes without examples"):
        study(tmp_path, source, one)


def test_rows_of_one_kind_make_no_harmonic_mean(tmp_path):
    source, target, evaluate = domains()
    with pytest.raises(DataError, match="got the latter only"):
        study(tmp_path, source, target, evaluate, generalized=True)
