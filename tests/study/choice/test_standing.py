"""Blends and calibration: candidates are judged only by rows that these were not fitted to."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fourfold import Domain, Recipe, load
from fourfold.algorithms.mixture import Mixture
from fourfold.methods.blend import Blend
from fourfold.study.choice import blending
from fourfold.study.choice.blending import blend
from fourfold.study.choice.calibrating import SHIFTED, calibrated
from fourfold.study.choice.optimism import nested_score
from fourfold.study.choice.posterior import chances, circumstances
from fourfold.study.choice.prior import Observation, Prior
from fourfold.study.choice.standing import trusted
from fourfold.study.judge import assess
from fourfold.study.leaderboard import Expected, LeaderboardRow, best_choice
from fourfold.study.running.outcomes import finished as in_order
from study.samples import domains, transfer_study

METHODS = ["SourceOnly", "FineTune", "CosineHead", "Prototypes"]


def run(folder, *data, **options):
    """Run a study; return its question, outcomes and result."""
    study, seen = transfer_study(folder, *data, **options), []
    conclude = study._conclude

    def watched(race, *given, **named):
        seen.append(race.outcomes)
        return conclude(race, *given, **named)

    study._conclude = watched
    result = study.run()
    (question,) = study.questions.values()
    return question, seen[-1]["target"], result


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("standing")
    source, *others = (each.subset(np.flatnonzero(each.y < 5)) for each in domains())
    alike = Domain(16 - source.rows.take(np.arange(source.n_rows)), source.y, name="source")
    return run(folder, alike, *others, methods=["FineTune", "L2SP", "Pooled"], racing=False)


def fits(outcomes):
    return {name: in_order(of) for name, of in outcomes.items()}


def test_the_answer_for_a_row_does_not_depend_on_its_label(done):
    question, outcomes, _ = done
    names = [*outcomes]
    before = blend(question, fits(outcomes), names).outcomes
    held = next(one.held for one in before if one.split == 0)
    y = question.target.y.copy()
    y[held] = np.roll(y[held], 1)
    other = replace(question, target=Domain(question.target.rows, y, name="target"))
    after = blend(other, fits(outcomes), names).outcomes
    for one, two in zip(before, after, strict=True):
        if one.split is not None and set(one.held) <= set(held):
            np.testing.assert_array_equal(one.outputs["held"], two.outputs["held"])
    of = fits(outcomes)["FineTune"]
    pairs = [calibrated(asked, of)[0] for asked in (question, other)]
    same = [
        np.array_equal(a.outputs["held"], b.outputs["held"])
        for a, b in zip(*pairs, strict=True)
        if a.split is not None
    ]
    assert same[0]
    assert not all(same)


def test_trusted_candidates_are_members_however_unlikely_they_are(done, monkeypatch):
    question, outcomes, _ = done
    names = [*sorted(outcomes.keys() - {"Pooled", "Pooled boosting"}), "Pooled", "Pooled boosting"]
    seen = []

    def kept(_, before, **_options):
        seen.append(before)
        return Mixture(tuple(before))

    monkeypatch.setattr(blending._Held, "fit", kept)
    found = blend(question, fits(outcomes), names, trusted={"Pooled", "Pooled boosting"})
    assert found.weights == {"Pooled": 0.5, "Pooled boosting": 0.5}
    assert {len(before) for before in seen} == {6}  # with the four likeliest


def test_on_tables_lines_and_trees_of_the_source_are_trusted(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    tables = [Domain(part, np.arange(len(part)) % 2) for part in (frame[:40], frame[40:])]
    options = {"methods": ["FineTune", "Pooled", "Recalibrated"]}
    of_tables = transfer_study(tmp_path / "a", *tables, **options).questions["target"]
    assert trusted(of_tables) == {
        *("Pooled", "Pooled boosting"),
        *("Recalibrated", "Recalibrated boosting"),
    }
    vectors = [Domain(one.rows.take(np.arange(one.n_rows)).to_numpy(), one.y) for one in tables]
    assert not trusted(transfer_study(tmp_path / "b", *vectors, **options).questions["target"])


def test_a_blend_of_baselines_alone_is_a_baseline(done):
    question, outcomes, result = done
    rows = {row.method: row for row in result.lines}
    assert (rows["Blend"].role, rows["BaselineBlend"].role) == ("transfer", "baseline")
    assert rows["Blend"].verdict is not None
    assert len(rows["Blend"].scores) == 2
    standing, _ = assess(question, outcomes, Prior())
    assert all(map(question.is_baseline, standing.blends["BaselineBlend"].members))
    assert len(standing.blends["Blend"].members) <= 8


def test_a_blend_that_ships_answers_as_it_was_judged(tmp_path):
    """By its own score on the first seed, from one bundle."""
    source, target, evaluate = domains()
    source = Domain(16 - np.asarray(source.rows.take(np.arange(200))), source.y, name="alike")
    asked = transfer_study(tmp_path / "asked", source, target, evaluate).questions["target"]
    known = favouring(circumstances(asked), "Blend")
    folder, longer = tmp_path / "blend", {"methods": ["FineTune"], "recipe": Recipe(min_steps=150)}
    _, _, result = run(folder, source, target, evaluate, prior=known, **longer)
    assert result.shipped == "Blend"
    model = load(folder / "out" / "best")
    assert isinstance(model, Blend)
    row = next(row for row in result.lines if row.method == "Blend")
    assert model.score(evaluate.rows, evaluate.y) == pytest.approx(row.scores[0])
    assert any("averages the answers of" in note for note in result.notes)
    assert any("by public tasks" in note for note in result.notes)
    assert result.chosen_by.startswith("the blend of the largest expected gain")


def favouring(at, method):
    """Return a prior by which a method removes nearly all errors."""
    return Prior(tuple(Observation(str(i), at, {method: 0.9}) for i in range(8)))


def test_with_one_label_a_class_the_prior_chooses_the_members(tmp_path):
    data = domains(few=1)
    at = circumstances(transfer_study(tmp_path / "asked", *data).questions["target"])
    assert at.labels == 1
    for name in ("KernelSVM", "CosineHead"):
        options = {"methods": METHODS, "seeds": 1, "prior": favouring(at, name)}
        result = transfer_study(tmp_path / name, *data, **options).run()
        assert result.shipped == "Blend"
        assert "no label can be held out" in result.chosen_by
        (said,) = (note for note in result.notes if "averages the answers" in note)
        shares = {member: int(share) for share, member in re.findall(r"(\d+)% (\w+)", said)}
        assert shares[name] == max(shares.values()) > 50


def test_without_evidence_members_weigh_by_their_chances_to_be_the_best(tmp_path):
    """A method that is known to gain is not outvoted by the baselines beside it."""
    data = domains(few=1)
    at = circumstances(transfer_study(tmp_path / "asked", *data).questions["target"])
    known = favouring(at, "FineTune")
    question, outcomes, _ = run(tmp_path, *data, methods=["FineTune"], seeds=1, prior=known)
    standing, rows = assess(question, outcomes, known)
    weights = standing.blends["Blend"].weights
    expected = {name: rows[name].expected for name in weights}
    likely = chances(expected)
    assert weights["FineTune"] > 0.5
    assert weights == {name: pytest.approx(likely[name], abs=0.02) for name in weights}
    fitted = standing.blends["BaselineBlend"].weights
    assert 0.1 < max(fitted.values()) < 0.6  # nothing is known of them: none is preferred by much


def test_where_no_gains_are_expected_members_share_the_weight(done):
    question, outcomes, _ = done
    whole = {name: [one for one in of if one.split is None] for name, of in fits(outcomes).items()}
    found = blend(question, whole, ["FineTune", "L2SP", "Linear"])
    assert found.weights == {name: pytest.approx(1 / 3) for name in ("FineTune", "L2SP", "Linear")}


def test_what_ships_is_calibrated_as_it_was_judged(tmp_path):
    source, target, evaluate = domains()
    _, _, result = run(tmp_path, source, target, evaluate, methods=["FineTune"], metric="log_loss")
    model = load(tmp_path / "out" / "best")
    assert model.fitted_.calibration is not None
    row = next(row for row in result.lines if row.method == result.shipped)
    p = model.predict_proba(evaluate.rows).astype(float)
    loss = -np.log(p[np.arange(len(p)), np.searchsorted(model.classes_, evaluate.y)]).mean()
    assert loss == pytest.approx(row.scores[0], rel=1e-4)


def test_probabilities_are_nearly_as_good_as_constant_ones_without_a_signal(tmp_path):
    random = np.random.default_rng(0)
    X, y = random.standard_normal((400, 20)), (random.random(400) < 0.3).astype(int)
    parts = [Domain(X[a:b], y[a:b], name=str(a)) for a, b in ((0, 100), (100, 150), (150, 400))]
    _, _, result = run(tmp_path, *parts, methods=["FineTune"], metric="brier")
    shipped = next(row for row in result.lines if row.method == result.shipped)
    share = y[100:150].mean()
    constant = np.mean((y[150:] - share) ** 2)
    assert np.mean(shipped.scores) < constant + 0.01


def test_the_score_of_the_choice_is_nested(tmp_path):
    """Candidates that win by luck on some folds each are chosen where they lose."""
    question = transfer_study(tmp_path, *domains(), folds=4).questions["target"]
    rows = [
        LeaderboardRow("Linear", "baseline", choice=[0.5] * 8),
        LeaderboardRow("FineTune", "transfer", choice=[0.9, 0.9, 0.1, 0.1] * 2),
        LeaderboardRow("L2SP", "transfer", choice=[0.1, 0.1, 0.9, 0.9] * 2),
    ]
    assert nested_score(question, rows, Prior()) == pytest.approx(0.1)
    assert nested_score(question, rows[:1], Prior()) == 0.5


def test_folds_that_choose_and_judge_are_corrected_for(tmp_path):
    source, target, _ = domains()
    _, _, result = run(tmp_path, source, target, methods=["FineTune"])
    row = next(row for row in result.lines if row.method == result.shipped)
    assert result.corrected <= np.mean(row.choice)
    assert any("The same folds chose and judge" in note for note in result.notes)


def test_ties_go_to_the_simpler():
    def row(name, role, mean, **more):
        return LeaderboardRow(name, role, expected=Expected(mean, 0.1, 0, 0.1), **more)

    blended = row("Blend", "transfer", 0.103, blended=True)
    single, baseline = row("FineTune", "transfer", 0.1), row("Linear", "baseline", 0.0)
    assert best_choice([baseline, blended, single]) is single
    assert best_choice([row("KernelSVM", "baseline", 0.099), blended, single]).role == "baseline"
    assert best_choice(
        [baseline, replace(blended, expected=Expected(0.2, 0.1, 0, 0.1)), single]
    ).blended


@pytest.mark.parametrize("classes", [2, 3])
def test_a_source_model_is_less_sure_of_another_domain(tmp_path, classes):
    source, *others = (each.subset(np.flatnonzero(each.y < classes)) for each in domains())
    target, evaluate = (each.unlabelled() for each in others)
    _, _, result = run(tmp_path, source, target, methods=["CORAL"], racing=False)
    assert result.shipped == "SourceLinear"
    shipped = load(tmp_path / "out" / "best")
    calibration = shipped.fitted_.calibration
    assert calibration.slope == SHIFTED
    logits = np.log(shipped.predict_proba(evaluate))
    shipped.fitted_ = replace(shipped.fitted_, calibration=None)
    surer = np.log(shipped.predict_proba(evaluate))
    usual = np.log(np.bincount(source.y)) if classes == 2 else np.zeros(classes)
    away = [each - usual - each[:, :1] + usual[0] for each in (logits, surer)]
    np.testing.assert_allclose(away[0], SHIFTED * away[1], atol=1e-3)
