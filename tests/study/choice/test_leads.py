"""Leads on the source: trees or networks where these fit, none where nothing can tell."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Boosted, Domain, FineTune, Pooled, Study, ToSource
from fourfold.study.choice.leads import lead_of, measure_leads, with_leads


def question(tmp_path, *, curved, source=1200, X=None, **options):
    """Return a question whose labels need a line, or the product of two features."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(source + 60, 4)).astype(np.float32)
    score = rows[:, 0] * rows[:, 1] if curved else rows[:, 0] + rows[:, 1]
    y = (score + 0.3 * rng.normal(size=len(rows)) > 0).astype(int)
    rows = rows if X is None else X(rows)
    study = Study(
        Domain(rows[:source], y[:source]),
        Domain(rows[source:], y[source:]),
        output=tmp_path / "study",
        **options,
    )
    (asked,) = study.questions.values()
    return asked


def test_trees_lead_where_a_product_decides(tmp_path):
    leads = measure_leads(question(tmp_path, curved=True, metric="auc"))
    assert leads["trees"] > 0.5
    assert leads["network"] > 0.3


def test_they_lag_where_a_line_is_right(tmp_path):
    leads = measure_leads(question(tmp_path, curved=False, metric="auc"))
    assert -1 <= leads["trees"] < 0


def test_the_same_rows_in_another_order_have_the_same(tmp_path):
    asked = question(tmp_path, curved=True, metric="auc")
    (again,) = with_leads({"q": asked}, 1).values()
    assert again.leads == measure_leads(asked)


@pytest.mark.parametrize(
    "given",
    [{"source": 300}, {"X": lambda rows: rows.reshape(-1, 2, 2)}],
    ids=["few rows", "no columns"],
)
def test_there_is_none_where_nothing_can_tell(tmp_path, given):
    assert measure_leads(question(tmp_path, curved=True, **given)) == {}


def test_a_method_has_the_lead_of_its_kind_of_model():
    leads = {"trees": 0.3, "network": -0.2}
    found = {
        str(one): lead_of(leads, one)
        for one in (Pooled(), Pooled(base="boosting"), ToSource(), Boosted(), FineTune(), None)
    }
    assert list(found.values()) == [0.0, 0.3, 0.0, 0.3, -0.2, 0.3]
    assert lead_of({}, None) == 0.0


def test_a_baseline_that_breaks_stops_no_study(tmp_path, monkeypatch):
    asked = question(tmp_path, curved=True)

    def broken(*_args, **_given):
        raise RuntimeError("it is broken")

    monkeypatch.setattr("fourfold.study.choice.leads.make_splits", broken)
    assert measure_leads(asked) == {}
