"""Peers are what they say: closed forms, planted data, and no worse than their parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from benchmarks.arena.peers import adapted, clustered, described, labelled, selftaught
from benchmarks.arena.peers.base import folds
from benchmarks.arena.peers.linear import fit_line, loss
from benchmarks.arena.rating import rate
from benchmarks.arena.task import Case, Rows


@pytest.fixture
def random():
    return np.random.default_rng(0)


def table(random, n, shift=0.0):
    x = random.normal(size=(n, 3)) + shift
    y = np.where(random.random(n) < expit(2 * x[:, 0] - x[:, 1] - shift), "yes", "no")
    frame = pd.DataFrame(x, columns=[*"abc"]).assign(kind=np.where(x[:, 2] > 0, "up", "down"))
    frame.loc[::7, "c"] = np.nan
    return Rows(frame, y)


def test_a_line_is_pulled_to_its_centre(random):
    X, y = random.normal(size=(40, 3)), random.normal(size=40)
    centre = np.array([1.0, -2.0, 0.5])
    for classes, labels in ((False, y), (True, (y > 0).astype(float))):
        strong = fit_line(X, labels, 1e7, classes=classes, centre=centre)
        np.testing.assert_allclose(strong.coef, centre, atol=1e-3)
        free = fit_line(X, labels, 1e-9 if not classes else 1e-3, classes=classes)
        assert loss(labels, free(X), classes=classes) < loss(labels, strong(X), classes=classes)


def test_a_line_of_numbers_is_least_squares(random):
    for n in (40, 4):  # the solution in the columns' space, and in the rows'
        X, y, weight = random.normal(size=(n, 6)), random.normal(size=n), random.uniform(1, 2, n)
        line = fit_line(X, y, 0.7, classes=False, weight=weight)

        def objective(theta, X=X, y=y, weight=weight):
            error = y - X @ theta[:-1] - theta[-1]
            return weight @ error**2 / y.var() / 2 + 0.35 * theta[:-1] @ theta[:-1]

        best = np.append(line.coef, line.intercept)
        steps = np.eye(7) * 1e-4
        assert all(objective(best + s) > objective(best) < objective(best - s) for s in steps)


def test_a_line_of_classes_is_at_a_minimum(random):
    X, y = random.normal(size=(50, 2)), (random.random(50) < 0.4).astype(float)
    line = fit_line(X, y, 2.0, classes=True, offset=X[:, 0])
    gradient = X.T @ (expit(line(X, X[:, 0])) - y) + 2 * line.coef
    np.testing.assert_allclose(gradient, 0, atol=1e-3)


def test_folds_need_two_labels_of_each_class():
    assert folds(np.array([0, 1, 1, 1])) == []
    parts = folds(np.array([0, 0, 1, 1, 1]), most=4, repeats=2)
    assert len(parts) == 4
    assert len(folds(np.linspace(0, 1, 9), most=4, repeats=1)) == 4


def test_the_blend_of_tables_is_no_worse_than_what_it_is_made_of(random):
    pytest.importorskip("lightgbm", reason="needs the extra bench")
    from benchmarks.arena.peers import tables

    case = Case(table(random, 300), table(random, 40, 0.5), table(random, 300, 0.5))
    found = tables.script(case.unjudged)
    scores = {name: rate("auc", case.evaluate.y, one.answers) for name, one in found.items()}
    assert found["Stack"].loss <= min(one.loss for one in found.values()) + 0.01
    assert scores["Stack"] > 0.75
    assert scores["Stack"] > np.mean(list(scores.values())) - 0.01
    for one in found.values():
        np.testing.assert_allclose(np.sum(one.answers.values, axis=1), 1)


def test_weights_of_the_blend_are_convex_and_find_the_good_member(random):
    pytest.importorskip("lightgbm", reason="needs the extra bench")
    from benchmarks.arena.peers.tables import blend_weights

    y = random.normal(size=200)
    scores = random.normal(size=(200, 8))
    scores[:, 5] = y
    weights = blend_weights(y, scores, classes=False)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights.argmax() == 5
    alike = blend_weights(y, np.tile(y[:, None] * 0.9, 8), classes=False)
    np.testing.assert_allclose(alike, [0.25] * 4 + [0.0] * 4, atol=0.01)


def blobs(random, n, classes=3, shift=0.0):
    y = random.integers(classes, size=n)
    return Rows((random.normal(size=(n, 6, 6)) + 2 * y[:, None, None] + shift) * 10, y)


def test_pictures_are_told_apart_with_one_label_a_class(random):
    source, target, rest = (blobs(random, n) for n in (120, 60, 60))
    few = np.array([np.flatnonzero(target.y == k)[0] for k in range(3)])
    case = Case(source, target.at(few), rest)
    found = labelled.script(case.unjudged)
    assert len(found) == 6
    best = min(found, key=lambda name: found[name].loss)
    assert best.endswith("source and target")
    assert rate("accuracy", rest.y, found[best].answers) > 0.9


def test_texts_are_read_by_their_words():
    words = ["good film", "bad film", "good play", "bad play", "good book", "bad book"] * 4
    rows = Rows(words, np.array([1, 0] * 12))
    found = labelled.script_of_texts(Case(rows, rows.at(np.arange(4)), rows).unjudged)
    assert rate("accuracy", rows.y, found["LR, source and target"].answers) == 1


def test_main_axes_of_unlabelled_rows_are_enough(random):
    source, target, rest = (blobs(random, n) for n in (90, 30, 60))
    found = selftaught.script(Case(Rows(source.X), target, rest).unjudged)
    assert rate("accuracy", rest.y, found["SVM on main axes"].answers) > 0.9


def test_coral_gives_the_source_the_targets_moments(random):
    source, target = random.normal(size=(400, 3)), random.normal(size=(300, 3)) * [1, 2, 3] + 5
    moved = adapted.coral(source, target)
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0))
    np.testing.assert_allclose(np.cov(moved.T), np.cov(target.T), atol=0.3)


def test_adaptation_brings_a_moved_target_back(random):
    source, target, rest = (
        blobs(random, 150),
        blobs(random, 90, shift=9.0),
        blobs(random, 60, shift=9.0),
    )
    found = adapted.script(Case(source, Rows(target.X), rest).unjudged)
    scores = {name: rate("accuracy", rest.y, one.answers) for name, one in found.items()}
    assert scores["self-trained SVM on own standards"] > 0.9 > scores["LR of the source"]


def test_descriptions_lead_to_new_classes(random):
    attributes = pd.DataFrame(random.normal(size=(20, 4)), index=[f"class {i}" for i in range(20)])
    mix = random.normal(size=(4, 8))

    def rows(classes, n):
        names = random.choice(classes, n)
        return Rows(attributes.loc[names].to_numpy() @ mix + random.normal(size=(n, 8)) / 5, names)

    seen, new = attributes.index[:15], attributes.index[15:]
    source, rest = rows(seen, 300), rows(new, 60)
    case = Case(source, Rows(rest.X), rest, seen=attributes.loc[seen], asked=attributes.loc[new])
    found = described.script(case.unjudged)
    scores = {name: rate("balanced_accuracy", rest.y, one.answers) for name, one in found.items()}
    assert scores["chance"] == pytest.approx(0.2)
    assert scores["ridge"] > 0.8
    assert scores["ESZSL"] > 0.5
    assert max(found["ridge"].loss, found["ESZSL"].loss) < found["chance"].loss


def test_counts_are_clustered(random):
    y = np.repeat([0, 1], 20)
    rates = np.where((np.arange(30) < 15) == (y[:, None] == 0), 3.0, 0.3)
    counts = random.poisson(rates).astype(float)
    found = clustered.script(Case(Rows(counts), Rows(counts), Rows(counts, y), clusters=2).unjudged)
    assert rate("nmi", y, found["SVD of both, k-means"].answers) == pytest.approx(1)
