"""Confusion counts: over the rows to evaluate on, or else over held-out rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fourfold import Classification, Domain, Regression
from fourfold.study.diagnostics.tables import confusion_counts
from fourfold.study.running.outcomes import Outcome
from study.samples import transfer_study

X = np.arange(16.0).reshape(8, 2)
Y = np.array(["a", "b"] * 4)


def question(tmp_path, evaluate=None):
    study = transfer_study(tmp_path, Domain(X, Y), Domain(X, Y), evaluate, methods=["FineTune"])
    return study.questions["target"]


def outcome(split, where, **answers):
    task = Classification().fit(Domain(X, Y))
    outputs = {
        name: np.eye(2, dtype=np.float32)[np.searchsorted(["a", "b"], guess)]
        for name, guess in answers.items()
    }
    return Outcome("M", 0, split, np.array(where, np.intp), task, outputs, 0.0, [])


def test_held_out_rows_are_counted_where_none_are_to_evaluate_on(tmp_path):
    outcomes = [outcome(None, []), outcome(0, [0, 1], held=["a", "a"]), outcome(1, [3], held=["b"])]
    classes, counts = confusion_counts(question(tmp_path), outcomes)
    assert (classes, counts) == (["a", "b"], [[1, 0], [1, 1]])


def test_labelled_rows_to_evaluate_on_are_counted(tmp_path):
    evaluate = Domain(X[:3] + 20, np.array(["b", None, "a"], object))
    outcomes = [outcome(None, [], evaluate=["a", "b", "a"]), outcome(0, [0], held=["b"])]
    classes, counts = confusion_counts(question(tmp_path, evaluate), outcomes)
    assert (classes, counts) == (["a", "b"], [[1, 0], [1, 0]])


def test_numbers_have_no_confusion(tmp_path):
    asked = question(tmp_path)
    numbers = replace(asked.protocol, task=Regression())
    assert confusion_counts(replace(asked, protocol=numbers), []) == ([], [])
    assert confusion_counts(asked, []) == ([], [])
