"""Back-tests in a study: the choice without labels, where labels are known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from fourfold import Domain
from fourfold.errors import ParameterError
from fourfold.report import write_report
from fourfold.study.backtesting.backtest import affordable_seconds
from fourfold.study.backtesting.trials import Backtest, Trial
from fourfold.study.result import Result
from fourfold.study.scores import SCORES
from study.samples import transfer_study

METHODS = ("CORAL",)


def piles(n=210):
    X, y = make_blobs(n, centers=[(-4, 0), (4, 0), (0, 5)], random_state=0)
    new, truth = make_blobs(n, centers=[(-4, 0), (4, 0), (0, 5)], random_state=1)
    return Domain(X, y, name="old"), Domain(new + 1), Domain(new + 1, truth, name="judged")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backtest")
    given = {"methods": list(METHODS), "seeds": 1, "jobs": 1, "backtest": True}
    return folder, transfer_study(folder, *piles(), **given).run()


def test_the_choice_is_tried_on_all_shifts(finished):
    folder, result = finished
    found = result.backtest
    assert [one.name for one in found.trials] == ["other shares", "other inputs", "another style"]
    assert found.candidates == found.of
    for one in found.trials:
        chosen, best, source = one.scores
        assert best >= max(chosen, source)
        assert one.source in {"SourceOnly", "SourceLinear", "SourceSVM", "SourceBoosted"}
    wanted = np.mean([one.scores[1] - one.scores[0] for one in found.trials])
    assert found.regret == pytest.approx(wanted)
    assert any(f"loses {found.regret:.3f} accuracy" in note for note in result.notes)
    assert Result.load(folder / "out" / "result.json").backtest == found
    write_report([result], folder / "report.html")
    assert "back-tested" in (folder / "report.html").read_text()


def test_labels_to_evaluate_on_change_no_back_test(finished, tmp_path):
    _, result = finished
    source, target, judged = piles()
    other = Domain(judged.rows, np.roll(judged.y, 1), name="judged")
    given = {"methods": list(METHODS), "seeds": 1, "jobs": 1, "backtest": True}
    assert (
        transfer_study(tmp_path, source, target, other, **given).run().backtest == result.backtest
    )


def test_labelled_targets_need_none(tmp_path):
    source, _, judged = piles()
    few = Domain(judged.rows.subset(np.arange(60)), judged.y[:60])
    given = {"methods": ["SourceOnly"], "seeds": 1, "jobs": 1}
    assert transfer_study(tmp_path, source, few, **given).run().backtest is None
    with pytest.raises(ParameterError, match="backtest must stand beside a labelled source"):
        transfer_study(tmp_path, source, few, backtest=True, **given)


def test_a_quarter_of_the_time_is_a_third_of_what_went_before(monkeypatch):
    monkeypatch.setattr("fourfold.study.backtesting.backtest.time.monotonic", lambda: 90.0)
    assert affordable_seconds(0.0, None, whole=False) == pytest.approx(30)
    assert affordable_seconds(0.0, 100.0, whole=False) == pytest.approx(10)
    assert affordable_seconds(0.0, 80.0, whole=False) == 0
    assert affordable_seconds(0.0, None, whole=True) == np.inf
    assert affordable_seconds(0.0, 100.0, whole=True) == pytest.approx(10)


def test_errors_lose_upwards_too():
    trial = Trial("other shares", "Blend", "SHOT", "SourceOnly", (0.4, 0.3, 0.7))
    found = Backtest([trial], 2, 5)
    assert found.regret == pytest.approx(0.1)
    said = found.sentence(SCORES["log_loss"])
    assert "2 of 5 candidates" in said
    assert "loses 0.100 log loss to the best candidate, and is 0.300 better than" in said
    assert "0.300 worse than" in found.sentence(SCORES["accuracy"])
