"""Racing stops what is hardly ever chosen, and changes nothing for the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fourfold import Domain, load
from fourfold.study.choice.gains import gains_over
from fourfold.study.choice.posterior import chances, expect
from fourfold.study.choice.prior import Prior
from fourfold.study.choice.racing import finalists
from fourfold.study.choice.standing import Standing
from fourfold.study.leaderboard import LeaderboardRow
from fourfold.study.result import Result
from study.samples import domains, transfer_study

NOTHING = Standing({}, {}, {})
WRONG = {"methods": ["FineTune", "SourceOnly"], "seeds": 3, "folds": 4}


def data():
    """A source of shuffled labels, so that the source model is hardly ever chosen."""
    source, target, evaluate = domains()
    wrong = Domain(source.rows, np.random.default_rng(0).permutation(source.y), name="wrong")
    return wrong, target, evaluate


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raced")
    return folder, transfer_study(folder, *data(), **WRONG).run()


def rows(question, **errors):
    """Make rows with these errors on the folds, and their expected gains without a prior."""
    n = question.protocol.splits.count
    made = {
        name: LeaderboardRow(name, "transfer", choice=[1 - e for e in (one * n)[:n]])
        for name, one in errors.items()
    }
    return expect(question, made, Prior())


@pytest.fixture
def question(tmp_path):
    methods = ["FineTune", "L2SP", "RandomColumn", "SourceOnly"]
    return transfer_study(tmp_path, *domains(), methods=methods, folds=4).questions["target"]


def test_gains_are_shares_of_the_references_error(question):
    made = rows(question, Linear=[0.2, 0.4], FineTune=[0.1, 0.2], L2SP=[0.9, 0.9])
    gains = gains_over("Linear", made, question.protocol)
    assert gains["Linear"] == (0, 0)
    assert gains["FineTune"].mean == pytest.approx(0.5)
    assert gains["L2SP"].mean == -1
    assert gains["FineTune"].variance > 0


def test_a_few_folds_stop_nothing_that_is_close(question):
    made = rows(question, Linear=[0.2, 0.4], FineTune=[0.15, 0.4], L2SP=[0.25, 0.38])
    likely = chances({name: row.expected for name, row in made.items()})
    assert sum(likely.values()) == pytest.approx(1)
    assert min(likely.values()) > 0.05


def test_the_reference_and_two_baselines_always_finish(question):
    far = {"TargetOnly": [0.95, 0.9], "KernelSVM": [0.9, 0.95], "RandomColumn": [0.99, 0.97]}
    made = rows(question, Linear=[0.5, 0.6], FineTune=[0.01, 0.02], L2SP=[0.9, 0.9], **far)
    left = finalists(question, made, set(made), NOTHING)
    assert {"FineTune", "Linear"} <= left
    assert sum(question.is_baseline(name) for name in left) == 2
    assert "L2SP" not in left
    lost = rows(question, Linear=[0.01, 0.02], FineTune=[0.5, 0.6], L2SP=[0.9, 0.9], **far)
    assert not finalists(question, lost, set(lost), NOTHING).isdisjoint({"FineTune", "L2SP"})
    broken = {**made, "Linear": LeaderboardRow("Linear", "baseline", error="it is broken")}
    assert all(row.expected is None for row in expect(question, broken, Prior()).values())
    unknown = {name: replace(row, expected=None) for name, row in made.items()}
    assert finalists(question, unknown, set(made), NOTHING) == set(made)


def test_the_others_finish_as_without_a_race(raced, tmp_path):
    _, result = raced
    stopped = {line.method: line for line in result.lines if line.stopped}
    far = stopped["SourceOnly"]
    assert (len(far.scores), far.verdict) == (1, "undecided")
    assert far.difference.high < 0
    assert result.shipped not in stopped
    whole = transfer_study(tmp_path, *data(), **WRONG, racing=False).run()
    scores = [
        {line.method: line.scores for line in one.lines if not line.blended}
        for one in (result, whole)
    ]
    assert all(len(one) == 3 for one in scores[1].values())
    for name, found in scores[0].items():
        assert found == scores[1][name][: len(found)]
        assert len(found) == 3 or name in stopped
    assert any("SourceOnly stopped early" in note for note in result.notes)


def test_processes_that_start_beside_the_first_fits_stop_the_same(raced, tmp_path, monkeypatch):
    monkeypatch.setattr("fourfold.study.running.execution.cpu_count", lambda: 2)
    monkeypatch.setattr("fourfold.study.running.processes.WORTH_PROCESSES", 0.0)
    other = transfer_study(tmp_path, *data(), **WRONG, jobs=None).run()
    assert other.settings["jobs"] == 2
    alike = [
        {line.method: (line.scores, line.choice, line.stopped) for line in one.lines}
        for one in (raced[1], other)
    ]
    assert alike[0] == alike[1]
    assert raced[1].sentence == other.sentence


def test_best_and_the_board_are_there_after_the_first_candidate(tmp_path):
    planned = transfer_study(tmp_path, *domains(), methods=["FineTune"])
    seen = []
    conclude = planned._conclude

    def watched(*given, **named):
        result = conclude(*given, **named)
        best = load(tmp_path / "out" / "best")
        seen.append((len(result.lines), type(best).__name__ in result.shipped))
        assert Result.load(tmp_path / "out" / "result.json") == result
        return result

    planned._conclude = watched
    result = planned.run()
    assert seen[0] == (1, True)
    assert seen[-1] == (len(result.lines), True)


def test_time_that_is_up_leaves_a_result_of_all_that_is_done(tmp_path):
    result = transfer_study(tmp_path, *domains(), methods=["FineTune"], minutes=1e-9).run()
    assert [line.method for line in result.lines] == [result.shipped]
    assert result.verdict == "undecided"


def test_seeds_end_where_the_prior_alone_decides(tmp_path):
    source, target, evaluate = domains(few=1)
    alone = transfer_study(tmp_path / "alone", source, target, methods=["FineTune"]).run()
    assert {line.method: len(line.losses) for line in alone.lines}["FineTune"] == 1
    assert alone.settings["seeds"] == [0]
    assert load(tmp_path / "alone" / "out" / "best").score(evaluate, evaluate.y) > 0.3
    judged = transfer_study(tmp_path, source, target, evaluate, methods=["FineTune"]).run()
    assert {line.method: len(line.scores) for line in judged.lines}["FineTune"] == 2


def test_a_clear_verdict_ends_the_seeds_that_only_judge(tmp_path):
    result = transfer_study(tmp_path, *data(), methods=["SourceOnly"], seeds=4).run()
    assert result.verdict == "hurt"
    assert result.settings["seeds"] == [0, 1, 2]
    assert "Training ended after 3 seeds: the verdict was clear." in result.notes
