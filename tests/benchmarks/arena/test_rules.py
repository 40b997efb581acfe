"""Rules of choice are replayed on finished studies, and the prior is learnt from these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.arena.rules import RULES, Replay, compare, learn
from benchmarks.arena.sides import Settings, measure
from benchmarks.arena.task import Pair, Task
from fourfold.errors import FileError
from fourfold.study.choice.posterior import circumstances
from made_up_task import build

SMALL = {"methods": ["SourceOnly"], "recipe": {"epochs": 2, "min_steps": 4}}


@pytest.fixture(scope="module")
def replays(tmp_path_factory):
    """Two families of one task each, with all candidates run to the end."""
    folder, found = tmp_path_factory.mktemp("arena"), []
    for family in ("one", "other"):
        task = Task(Pair(family, family, "tables", "auc", (16,), 1, build), 16, 0)
        record = measure("all", task, folder, Settings(seeds=1, folds=2, options=SMALL))
        found.append(Replay.of(task, record, folder))
    return found


def test_gains_are_shares_of_the_references_error_on_the_rows_to_evaluate_on(replays):
    board = replays[0].board(learn(replays))
    gains = replays[0].gains(board)
    score = {name: np.mean(row.scores) for name, row in board.items()}
    assert gains["Linear"] == 0
    wanted = 1 - (1 - score["KernelSVM"]) / (1 - score["Linear"])
    assert gains["KernelSVM"] == pytest.approx(np.clip(wanted, -1, 1))


def test_beside_a_reference_without_error_nothing_is_gained(replays):
    board = replays[0].board(learn(replays))
    right = {name: replace(row, scores=[1.0]) for name, row in board.items()}
    assert set(replays[0].gains(right).values()) == {0.0}


def test_no_outcome_of_a_study_may_be_missing(tmp_path):
    task = Task(Pair("one", "one", "tables", "auc", (16,), 1, build), 16, 0)
    record = {
        "study": "gone",
        "runs": [{"method": "Linear", "seed": 0, "split": None, "file": "x", "held": []}],
    }
    with pytest.raises(FileError, match="every outcome of one/16/0 must be there"):
        Replay.of(task, record, tmp_path)


def test_the_prior_is_learnt_of_every_candidate_but_the_reference(replays):
    prior = learn(replays)
    assert [one.family for one in prior.observations] == ["one", "other"]
    assert prior.made["families"] == ["one", "other"]
    names = set(prior.observations[0].gains)
    assert {"SourceOnly", "TargetOnly", "KernelSVM", "BaselineBlend"} <= names
    assert "Linear" not in names
    assert prior.observations[0].circumstances == circumstances(replays[0].question)


def test_every_rule_gets_its_figures(replays):
    found = compare(replays, learn(replays))
    for rule in RULES:
        assert found[f"regret_{rule}"] >= 0
        assert found[f"regret_{rule}"] == found[f"regret_{rule}_tables"]
        assert 0 <= found[f"safe_{rule}"] <= 1
