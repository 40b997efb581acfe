"""Rows to evaluate on that were learnt from are found by content, and judge nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from PIL import Image

from fourfold import Domain, read_domains
from fourfold.errors import DataError
from fourfold.readers import read_domain
from fourfold.study.overlap import find_overlap, judged_apart
from study.samples import domains, judged, tasks, tasks_study
from study.samples import transfer_study as study

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.arange(40) % 4


def both(evaluate, *target):
    """Find the overlap with a target alone."""
    return find_overlap(evaluate, {"target": list(target)})


# --- what is equal -------------------------------------------------------------------------------


def forms(whole):
    """The same numbers in other types and containers."""
    return {
        "single": whole.astype(np.float32),
        "other bytes": whole.astype(">f8"),
        "sparse": scipy.sparse.csr_array(whole),
        "single sparse": scipy.sparse.coo_array(whole.astype(np.float32)),
        "list": whole.tolist(),
    }


@pytest.mark.parametrize("learnt", forms(X))
@pytest.mark.parametrize("asked", forms(X))
def test_numbers_are_equal_in_any_type(asked, learnt):
    evaluate = Domain(forms(X)[asked], Y)
    target = Domain(forms(np.concatenate([X[5:8], X[:9] + 1]))[learnt], Y[:12])
    assert both(evaluate, target).rows.tolist() == [5, 6, 7]


def test_whole_numbers_are_equal_to_fractions():
    whole = RNG.integers(-99, 99, (40, 3))
    evaluate = Domain(np.where(whole == 0, -0.0, whole), Y)
    assert len(both(evaluate, Domain(whole, Y)).rows) == 40


def frame(rows=slice(None)):
    given = {"number": np.arange(40), "word": [f"w {i}" for i in range(40)], "part": X[:, 0]}
    return pd.DataFrame(
        given | {"day": pd.Timestamp("2024-01-01") + pd.to_timedelta(X[:, 1], "D")}
    )[rows]


FRAMES = {
    "as it is": frame,
    "columns turned": lambda: frame()[["word", "day", "part", "number"]],
    "fractions": lambda: frame().astype({"number": float}),
    "single": lambda: frame().astype({"part": np.float32}),
    "strings": lambda: frame().astype({"word": "string"}),
    "categories": lambda: frame().astype({"word": "category"}),
    "a hole elsewhere": lambda: frame().assign(number=frame()["number"].where(np.arange(40) != 30)),
    "one more column": lambda: frame().assign(more=1),
}


@pytest.mark.parametrize("form", FRAMES)
def test_tables_are_equal_in_any_form(form):
    evaluate, target = Domain(FRAMES[form](), Y), Domain(frame(slice(3, 6)), Y[3:6])
    assert both(evaluate, target).rows.tolist() == [3, 4, 5]


def test_texts_and_pictures_are_equal_by_content(tmp_path):
    texts = [f"text {i}" for i in range(40)]
    found = both(Domain(texts, Y), Domain([*texts[:2], "else"], [0, 1, 1]))
    assert found.rows.tolist() == [0, 1]
    for i in range(6):
        for name in ("target", "evaluate"):
            place = tmp_path / name / str(i % 2) / f"{name} {i}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            shade = i if i < 2 else i + 10 * len(name)
            Image.fromarray(np.full((8, 8), shade, np.uint8)).save(place)
    (target,) = read_domains([tmp_path / "target"])
    evaluate = read_domain(tmp_path / "evaluate", like=target)
    assert len(both(evaluate, target).rows) == 2


# --- what is judged ------------------------------------------------------------------------------


def test_only_labels_that_are_learnt_from_count():
    evaluate = Domain(X, np.where(Y == 3, -1, Y))
    partly = Domain(X[:8], [0, 1, 2, 3, -1, -1, -1, -1])
    assert both(evaluate, partly).rows.tolist() == [0, 1, 2]
    assert not len(both(evaluate, Domain(X)).rows)
    assert judged_apart(evaluate, {"target": [Domain(X)]}, allow=False).rows is evaluate


def test_rows_that_are_learnt_from_judge_nothing():
    evaluate = Domain(X, Y)
    learnt = {"target": [Domain(X[:2], Y[:2])], "source": [Domain(X[1:3], Y[1:3]), Domain(X + 9)]}
    left = judged_apart(evaluate, learnt, allow=False)
    assert np.flatnonzero(~left.rows.labelled).tolist() == [0, 1, 2]
    (note,) = left.notes
    assert note == (
        "3 of 40 rows to evaluate on are also labelled rows of the target and of the source; "
        "they are left out of the scores."
    )
    kept = judged_apart(evaluate, learnt, allow=True)
    assert kept.rows is evaluate
    assert kept.notes[0].endswith("they count, as allowed.")


def test_equal_rows_of_small_tables_are_chance():
    common = np.concatenate([X, X[:1]])  # 1 of 41, and 1 of 40 + 200
    target = Domain(common, np.r_[Y, 0])
    kept = judged_apart(Domain(X[:9], Y[:9]), {"target": [target]}, allow=False)
    assert kept.rows.n_labelled == 9
    assert kept.notes == [
        (
            "9 of 9 rows to evaluate on are also labelled rows of the target; they count, as equal "
            "rows are common: 2.0% of these data repeat another row of their own."
        )
    ]
    large = Domain(RNG.normal(size=(200, 3)), np.zeros(200))
    evaluate = Domain(np.concatenate([X[:9], X + 7]), np.r_[Y[:9], Y])
    left = judged_apart(evaluate, {"target": [target], "source": [large]}, allow=False)
    assert left.rows.n_labelled == 40
    texts = [f"text {i // 2}" for i in range(40)]  # of which none is chance
    left = judged_apart(Domain(texts, Y), {"target": [Domain(texts[:4], Y[:4])]}, allow=False)
    assert left.rows.n_labelled == 36


def test_a_class_that_is_gone_is_named():
    evaluate = Domain(X, Y)
    last = np.flatnonzero(Y == 3)
    learnt = {"source": [Domain(X[last], Y[last])]}
    assert judged_apart(evaluate, learnt, allow=False).notes[0].endswith("None of class 3 is left.")
    fractions = Domain(X, X[:, 0])
    learnt = {"source": [Domain(X[last], X[last, 0])]}
    assert judged_apart(fractions, learnt, allow=False).notes[0].endswith("of the scores.")


def test_nothing_left_to_judge_on_is_refused():
    evaluate = Domain(X, Y, name="new")
    with pytest.raises(DataError) as error:
        judged_apart(evaluate, {"target": [Domain(X, Y)]}, allow=False)
    assert str(error.value) == (
        "'new', to evaluate on, must have rows that are not learnt from; 40 of 40 are also "
        "labelled rows of the target: bring others, or judge on them all the same, "
        "allow_overlap=True"
    )
    some = np.flatnonzero(Y > 0)
    with pytest.raises(DataError, match=r"30 of 40 are also .*, and the others are all 0: bring"):
        judged_apart(evaluate, {"target": [Domain(X[some], Y[some])]}, allow=False)


# --- studies -------------------------------------------------------------------------------------


def overlapping():
    """Digits, with the labelled target rows among those to evaluate on."""
    source, target, evaluate = domains()
    rows = np.concatenate([target.rows.array, evaluate.rows.array])
    return source, target, Domain(rows, np.r_[target.y, evaluate.y], name="evaluate")


def scores(result):
    return {line.method: line.scores for line in result.lines}


def test_a_study_is_judged_as_without_the_rows_it_learnt_from(tmp_path, monkeypatch):
    options = {"methods": ["FineTune"], "seeds": 1, "folds": 2}
    clean = study(tmp_path / "clean", *domains(), **options).run()
    result = study(tmp_path, *overlapping(), **options).run()
    assert scores(result) == scores(clean)
    assert [line.difference for line in result.lines] == [line.difference for line in clean.lines]
    assert (result.confusion, result.sentence) == (clean.confusion, clean.sentence)
    assert result.judged_by.startswith("200 rows to evaluate on")
    assert "50 of 250 rows to evaluate on are also labelled rows of the target" in result.notes[0]
    assert (result.evaluate.rows, result.evaluate.labelled) == (250, 200)
    fits = []
    monkeypatch.setattr("fourfold.study.running.execution.execute", fits.append)
    allowed = study(tmp_path, *overlapping(), allow_overlap=True, resume=True, **options).run()
    assert not fits  # what is judged on belongs to no fit: nothing can be mixed
    assert result.notes[0].endswith("left out of the scores.")
    assert allowed.notes[0].endswith("they count, as allowed.")
    better = {name: np.mean(found) for name, found in scores(allowed).items()}
    assert better["Linear"] > np.mean(scores(result)["Linear"])
    back = study(tmp_path, *overlapping(), resume=True, **options).run()
    assert scores(back) == scores(clean)


def test_tasks_are_judged_on_rows_that_no_task_learns_from(tmp_path):
    given, rows = tasks(), judged(300)
    even = Domain(np.concatenate([rows["even"].rows.array, given["light"].rows.array[:5]]),
                  np.r_[rows["even"].y, np.zeros(5, int)])  # fmt: skip
    planned = tasks_study(tmp_path, evaluate=rows | {"even": even})
    assert planned.questions["even"].evaluate.n_labelled == 300
    (note,) = planned.questions["even"].notes
    assert note.startswith("5 of 305 rows to evaluate on are also labelled rows of the other tasks")
    assert planned.questions["digit"].notes == ()
    assert f"even: {note}" in planned.run().notes


def test_repeated_rows_of_folds_are_said(tmp_path):
    source, target, _ = domains()
    whole = np.concatenate([target.rows.array, target.rows.array[:1]])
    again = Domain(whole, np.r_[target.y, target.y[0]], name="target")
    (question,) = study(tmp_path, source, again, methods=["FineTune"]).questions.values()
    assert question.notes == (
        "1 of 51 labelled rows of the target repeat others; equal rows are held out together.",
    )
    taught = Domain(
        np.concatenate([source.rows.array, target.rows.array[:3]]), np.r_[source.y, target.y[:3]]
    )
    (question,) = study(tmp_path, taught, target, methods=["FineTune"]).questions.values()
    (note,) = question.notes
    assert note == (
        "3 of 50 labelled rows of the target are also labelled rows of the source: "
        "where they are held out, they are still learnt from there."
    )
