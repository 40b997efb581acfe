"""Studies of dependent rows: patients with many rows each, and rows in time."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, Linear, Mlp, Store, Study
from fourfold.study.question import ask_transfer
from study.samples import options

PATIENTS = np.repeat(np.arange(12), 10)


def patients(n=12, seed=0, name="target"):
    """Patients with ten rows each, which tell them apart, and tell nothing of the disease."""
    rng, of = np.random.default_rng(seed), np.repeat(np.arange(n), 10)
    X = 3 * rng.normal(size=(n, 30))[of] + rng.normal(size=(10 * n, 30))
    return X.astype(np.float32), of % 2, [f"{name} {i}" for i in of]


def domain(*given, grouped=True, **more):
    X, y, groups = patients(*given)
    return Domain(X, y, groups=groups if grouped else None, **more)


def study(tmp_path, *domains, **more):
    given = {
        "methods": ["FineTune"],
        "network": Mlp(hidden_layer_sizes=(8,)),
        "recipe": {"epochs": 1, "min_steps": 1},
        "seeds": 1,
        "output": tmp_path / "out",
        "store": Store(tmp_path / "store"),
        "progress": False,
    }
    return Study(*domains, **{**given, **more})


def linear(result):
    return next(line for line in result.lines if line.method == "Linear")


def test_patients_are_judged_on_others_than_they_were_learnt_from(tmp_path):
    source = domain(6, 1, "source")
    rows, groups = (
        study(tmp_path / str(grouped), source, domain(grouped=grouped)).run()
        for grouped in (False, True)
    )
    X, y, _ = patients(200, 2)
    truth = Linear().fit(*patients()[:2]).score(X, y)
    assert truth < 0.6
    assert np.mean(linear(rows).scores) > 0.95
    assert np.mean(linear(groups).scores) < 0.6
    assert rows.judged_by == "the same folds, corrected resampled t"
    assert groups.judged_by == "the same folds, no group divided, corrected resampled t"
    assert "3-fold cross-validation on the target's labels, groups" in groups.chosen_by


def test_rows_to_evaluate_on_are_of_other_patients_and_resampled_by_patient(tmp_path):
    X, y, names = patients(30, 3, "new")
    own = patients()
    both = Domain(
        np.concatenate([X, own[0] + 0.1]), np.r_[y, own[1]], groups=[*names, *own[2]], name="asked"
    )
    result = study(tmp_path, domain(6, 1, "source"), domain(), both).run()
    assert result.notes[0] == (
        "120 of 420 rows to evaluate on are of the groups of labelled rows of the target; they are "
        "left out of the scores."
    )
    assert result.judged_by == "300 rows of 30 groups to evaluate on, bootstrap over groups × seeds"
    line = next(line for line in result.lines if line.method == "FineTune")
    alone = study(tmp_path / "rows", domain(6, 1, "source"), domain(), Domain(X, y)).run()
    narrow = next(line for line in alone.lines if line.method == "FineTune")
    assert line.scores == narrow.scores
    widths = [one.difference.high - one.difference.low for one in (narrow, line)]
    assert widths[1] > 1.5 * widths[0]


def test_what_is_judged_comes_after_what_is_learnt(tmp_path):
    rng = np.random.default_rng(0)
    time = rng.permutation(120).astype(float)
    X = rng.normal(size=(120, 4)).astype(np.float32)
    y = (X[:, 0] > 0) ^ (time >= 40)  # from then on all is reversed
    target = Domain(X, y.astype(int), time=time)
    source = Domain(X[:20] + 5, y[:20].astype(int), time=time[:20] + 70, name="old")
    asked = study(tmp_path, source, target, folds=2)
    result = asked.run()
    assert np.mean(linear(result).scores[::2]) < 0.2
    assert result.judged_by == "the same cuts in time, corrected resampled t over cuts"
    assert "2 cuts in time of the target's labels, learnt before" in result.chosen_by
    assert any(
        "labelled rows of 'old' are later than the first row to judge" in n for n in result.notes
    )
    (question,) = asked.questions.values()
    for held in question.protocol.splits.parts(0):
        split = question.protocol.splits.apply(held)
        assert split.target.annotations.time.max() < split.asked.annotations.time.min()


def test_a_run_is_its_groups_and_times(tmp_path):
    X, y, names = patients()
    given = [{}, {"groups": names}, {"groups": names[10:] + names[:10]}, {"time": np.arange(120)}]
    digests = {
        study(tmp_path / str(i), domain(6, 1), Domain(X, y, **beside)).folder.data
        for i, beside in enumerate(given)
    }
    assert len(digests) == 4


@pytest.mark.parametrize("beside", [{"groups": np.repeat(["a", "b"], 60)}, {"time": np.zeros(120)}])
def test_where_nothing_can_be_held_out_it_is_said(tmp_path, beside):
    X, y, _ = patients()
    y = (np.arange(120) < 60).astype(int)
    result = study(tmp_path, domain(6, 1), Domain(X, y, **beside)).run()
    assert result.judged_by == "nothing: there are no labels to judge by"
    (said,) = (note for note in result.notes if "so that nothing can be held out" in note)
    assert "single label" not in said


def test_groups_of_several_tasks_are_noted(tmp_path):
    X, y, names = patients()
    tasks = {
        "one": Domain(X, y, groups=names),
        "two": Domain(X[:60] + 1, y[:60], groups=names[:60]),
    }
    recipe = {"epochs": 1, "min_steps": 1}
    result = study(tmp_path, tasks=tasks, methods=["MultiTask"], recipe=recipe, folds=2).run()
    assert "6 groups have rows in several tasks: what is held out of one task" in result.notes[-1]
    assert not any(line.error for line in result.lines)


def test_identifiers_without_groups_are_noted():
    X, y, names = patients()
    target = Domain(X, y, ids=names)
    question = ask_transfer([domain(6, 1)], target, None, options=options(), title="")
    assert question.notes == (
        (
            "120 labelled rows are of 12 values of the names of rows: give groups if rows of one "
            "value must not be both learnt from and judged."
        ),
    )
