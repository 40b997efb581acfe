"""Decisions by two classes: of the rows that judge, beside the source's, and none for others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold import Domain, metrics
from fourfold.methods.saved import load
from fourfold.study.result import Result
from study.samples import transfer_study


def applicants(n, seed, moved=0.0):
    """Draw tables of which few rows are bad, by income and town."""
    rng = np.random.default_rng(seed)
    income, town = rng.normal(size=n) + moved, rng.integers(0, 3, n)
    odds = -1.6 - 1.2 * (income - moved) + (town == 2)
    bad = rng.uniform(size=n) < 1 / (1 + np.exp(-odds))
    table = pd.DataFrame({"income": income, "town": np.array(["a", "b", "c"])[town]})
    return Domain(table, np.where(bad, "bad", "good"))


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decisions")
    data = (applicants(400, 0), applicants(120, 1, moved=1.0), applicants(500, 2, moved=1.0))
    study = transfer_study(folder, *data, methods=["Recalibrated"], network=None, recipe=None)
    return folder, data, study.run()


def test_the_rarer_class_is_the_event_and_all_is_of_the_rows_to_evaluate_on(judged):
    folder, (_, target, evaluate), result = judged
    found = result.decisions
    assert (found.event, found.others) == ("bad", "good")
    model = load(folder / "out" / "best")
    p = model.predict_proba(evaluate)[:, 0]
    bad = evaluate.known == "bad"
    assert found.scores["AUC"] == pytest.approx(metrics.auc_score(bad, p), abs=1e-3)
    assert found.scores["share of events"] == pytest.approx(bad.mean())
    assert sum(part.rows for part in found.calibration) == 500
    assert sum(part.rows for part in found.source_deciles) == 400
    flagged = sum(counts[1] for counts in found.confusion)
    assert flagged / 500 == pytest.approx(np.mean(target.known == "bad"), abs=0.02)


def test_the_column_that_moved_is_named(judged):
    moved = {one.name: one for one in judged[2].decisions.drift}
    assert moved["income"].to_target.psi > 0.25 > moved["town"].to_target.psi
    assert moved["income"].to_evaluation.p_value > 0.001
    assert next(iter(moved)) == "score"


def test_a_saved_result_holds_them(judged):
    folder, _, result = judged
    assert Result.load(folder / "out" / "result.json").decisions == result.decisions


def test_without_rows_to_evaluate_on_held_out_labels_judge(tmp_path):
    data = (applicants(300, 0), applicants(90, 1))
    study = transfer_study(tmp_path, *data, methods=["Recalibrated"], network=None, recipe=None)
    found = study.run().decisions
    assert sum(part.rows for part in found.calibration) == 90
    assert found.drift[0].to_evaluation is None


def test_three_classes_have_none(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 3)), np.arange(120) % 3
    study = transfer_study(tmp_path, Domain(x, y), Domain(x[:40], y[:40]), methods=["Recalibrated"])
    assert study.run().decisions is None
