"""From outcomes to leaderboards, on outcomes made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Classification, Domain
from fourfold.study.choice.prior import Prior
from fourfold.study.judge import assess, joint_rows, leaderboards
from fourfold.study.question import ask_tasks, ask_transfer
from fourfold.study.running.outcomes import Failure, Outcome
from study.samples import options

X = np.arange(48.0).reshape(24, 2)
Y = np.arange(24) % 2
DATA = Domain(X, Y, name="data")


def outcomes(question, method, wrong):
    """Return an outcome a fold, with so many wrong answers in each."""
    task, splits = Classification().fit(DATA), question.protocol.splits
    found = [Outcome(method, 0, None, np.empty(0, np.intp), task, {}, 1.0, [0.5])]
    for split, held in enumerate(splits.parts(0)):
        answers = Y[held].copy()
        answers[: wrong[split]] = 1 - answers[: wrong[split]]
        outputs = {"held": np.eye(2, dtype=np.float32)[answers]}
        found.append(Outcome(method, 0, split, held, task, outputs, 2.0, []))
    return found


def boards(questions, made):
    """Return leaderboards without a prior."""
    assessed = {name: assess(question, made[name], Prior()) for name, question in questions.items()}
    return leaderboards(questions, assessed)


def transfer():
    asked = options(methods=["FineTune", "CosineHead", "SourceOnly"], folds=4)
    return ask_transfer([DATA], DATA, None, options=asked, title="")


def test_methods_are_compared_to_the_best_baseline():
    question = transfer()
    wrong = {"TargetOnly": [2, 2, 2, 2], "Linear": [1, 1, 1, 1], "KernelSVM": [2, 2, 2, 1],
             "TargetBoosted": [4, 4, 4, 4],
             "SourceOnly": [3, 3, 3, 3], "FineTune": [0, 0, 0, 0],
             "CosineHead": [1, 0, 1, 2]}  # fmt: skip
    made = {m: outcomes(question, m, wrong[m]) for m in question.candidates}
    board = boards({"target": question}, {"target": made})["target"]
    assert [row.method for row in board if not row.blended] == [
        "FineTune", "Linear", "CosineHead", "KernelSVM", "TargetOnly", "SourceOnly", "TargetBoosted"
    ]  # fmt: skip
    rows = {row.method: row for row in board}
    assert rows["FineTune"].difference.mean == pytest.approx(1 / 6)
    assert (rows["FineTune"].verdict, rows["CosineHead"].verdict) == ("helped", "undecided")
    assert rows["Linear"].difference is rows["Linear"].verdict is None
    assert rows["FineTune"].seconds == pytest.approx((1 + 4 * 2) / 5)
    assert rows["FineTune"].losses == [[0.5]]
    assert rows["FineTune"].scores == rows["FineTune"].choice == [1.0] * 4


def test_a_failure_is_undecided_and_last():
    question = transfer()
    made = {m: outcomes(question, m, [0] * 4) for m in question.candidates}
    made["FineTune"] = [*made["FineTune"][:2], Failure("FineTune", 0, 1, "it is broken")]
    row = boards({"target": question}, {"target": made})["target"][-1]
    assert (row.method, row.error, row.verdict) == ("FineTune", "it is broken", "undecided")
    assert (row.scores, row.choice, row.difference, row.seconds) == ([], [], None, 0.0)


def test_the_joint_method_with_the_best_choice_comes_first():
    tasks = {"one": Domain(X, Y), "two": Domain(X + 1, Y)}
    asked = options(methods=["MultiTask"], folds=4)
    questions = ask_tasks(tasks, dict.fromkeys(tasks), options=asked)
    wrong = {"MultiTask": [2, 2, 2, 2], "MultiTask uncertainty": [0, 0, 0, 0]}
    made = {
        name: {m: outcomes(q, m, wrong.get(m, [1, 1, 1, 1])) for m in q.candidates}
        for name, q in questions.items()
    }
    rows = joint_rows(questions, boards(questions, made))
    assert rows[0].method == "MultiTask uncertainty"
    assert rows[0].delta.mean == pytest.approx(-100 * (1 - 5 / 6) / (5 / 6))
    assert rows[0].tasks("helped") == ["one", "two"]
    assert {row.method: row.verdict for row in rows}["MultiTask"] == "hurt"
