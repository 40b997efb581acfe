"""Scorecards: points add up to log-odds."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from fourfold import Domain, Linear, Pooled, ToSource, scorecard
from fourfold.errors import ParameterError

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "amount": RNG.normal(1000, 300, 400),
        "town": RNG.choice([*"abc", "rare"], 400, p=[0.4, 0.3, 0.298, 0.002]),
        "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 900, 400), "D"),
    }
)
RISK = FRAME["amount"] / 300 + (FRAME["town"] == "a") + RNG.normal(size=400)
LABELS = np.where(RISK > 4, "bad", "good")
FRAME.loc[::9, "amount"] = np.nan
SOURCE = Domain(FRAME[:300], LABELS[:300])


def total(card, row):
    """Add up the points of a row, as by hand."""
    points = {(column, value): of for column, value, of in card.itertuples(index=False)}
    date = row["since"]
    parts = {"year": date.year, "month": date.month, "day of the week": date.day_of_week}
    parts["days since 1970"] = (date - pd.Timestamp(0)).days
    found = points["base", ""] + sum(
        value * points[f"since, {name}", "per unit"] for name, value in parts.items()
    )
    known = not np.isnan(row["amount"])
    found += points["amount", "per unit"] * row["amount"] if known else points["amount", "missing"]
    town = row["town"] if ("town", row["town"]) in points else "others"
    return found + points.get(("town", town), 0.0)


@pytest.mark.parametrize("model", [Linear(), Pooled(), ToSource()], ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("event", ["bad", "good", None])
def test_points_add_up_to_the_log_odds(model, event):
    model.fit(FRAME[300:360], LABELS[300:360], source=SOURCE)
    card = scorecard(model, event=event, points=500, odds=20, pdo=30)
    rest = FRAME[360:]
    logs = np.log(model.predict_proba(rest).astype(float))
    against = logs[:, 1] - logs[:, 0] if event == "bad" else logs[:, 0] - logs[:, 1]
    # classes are bad, good: the second one, good, is the event by default
    wanted = 500 + 30 / math.log(2) * (against - math.log(20))
    found = [total(card, row) for _, row in rest.iterrows()]
    np.testing.assert_allclose(found, wanted, atol=0.05)


def test_other_models_have_no_card():
    for model in (Pooled(base="boosting"), Linear()):
        rows = FRAME if model.get_params().get("base") else np.eye(60)
        y = LABELS[:60]
        source = Domain(rows[:60], y)
        model.fit(rows[:60], y, source=source)
        with pytest.raises(ParameterError, match="must be of a linear model of a table"):
            scorecard(model)


def test_the_event_is_one_of_the_classes():
    model = Linear().fit(FRAME[300:360], LABELS[300:360])
    with pytest.raises(ParameterError, match="event must be one of"):
        scorecard(model, event="worse")


def test_numbers_have_points_within_their_limits():
    amount = FRAME["amount"].to_numpy().copy()
    amount[::20], amount[1] = -99999, 1e8
    table = pd.DataFrame({"amount": amount})
    model = Linear().fit(table, LABELS)
    card = scorecard(model, event="bad", points=0, odds=1, pdo=math.log(2))
    points = dict(zip(card["value"], card["points"], strict=True))
    (within,) = (value for value in points if value.startswith("per unit, from"))
    low, high = (float(end) for end in within.removeprefix("per unit, from ").split(" to "))
    cells = np.where(np.isnan(amount) | (amount == -99999), np.nan, amount.clip(low, high))
    marked = np.isnan(cells)
    found = points[""] + np.where(marked, points["missing or -99999"], points[within] * cells)
    bad, good = model.outputs(table).T
    np.testing.assert_allclose(found, good - bad, atol=2e-3)
    assert high < 1e4
