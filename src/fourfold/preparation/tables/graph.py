"""Tables in ONNX: from raw columns to prepared rows, with the arithmetic of the preparation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias, final

import numpy as np
import pandas as pd
from onnx import TensorProto

from fourfold.frozen.onnx_graph import OnnxGraph
from fourfold.preparation.tables.columns import DATE_PARTS, MISSING, date_parts
from fourfold.preparation.tables.preparation import TablePreparation
from fourfold.preparation.tables.views import TableViews

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.preparation.base import Preparation

__all__ = ["TableStart"]

LEFT_OUT: Final = 0.1
"""Share of missing cells, and of outliers, in rows that prove an export."""
BEYOND: Final = 100.0
"""Spread of outliers among them, beside that of others."""
DAYS: Final = (-20_000, 40_000)
"""Range of their dates, in days since 1970."""


Kind: TypeAlias = "TablePreparation | TableViews"


@final
class TableStart(NamedTuple):
    """The start of an ONNX file that takes the columns of a table.

    Numbers and dates, in days since 1970, are float64, NaN where missing; categories are strings,
    empty where missing.

    Attributes
    ----------
    preparations
        The preparations of these columns, each once; the file puts their rows side by side.
    """

    preparations: list[Kind]

    @classmethod
    def of(cls, preparations: Sequence[Preparation]) -> Self | None:
        """Return the start for preparations of the same columns.

        None where rows are no table, or texts are among the columns, which no operator of ONNX
        takes apart as the preparation does.
        """
        apart = {one.digest: one for one in preparations}
        tables = [one for one in apart.values() if isinstance(one, (TablePreparation, TableViews))]
        columns = [_lines(one).columns_ for one in tables]
        alike = len(tables) == len(apart) and all(one == columns[0] for one in columns)
        return cls(tables) if alike and not columns[0].text else None

    @property
    def lines(self) -> TablePreparation:
        """The first preparation for lines."""
        return _lines(self.preparations[0])

    @property
    def columns(self) -> dict[str, str]:
        """Name of each input → its kind, in words."""
        columns = self.lines.columns_
        kinds = {
            "number": columns.numbers,
            "date, in days since 1970": columns.dates,
            "category": columns.categories,
        }
        return {str(name): kind for kind, names in kinds.items() for name in names}

    def feed(self, plain: pd.DataFrame) -> dict[str, NDArray[Any]]:
        """Return arranged rows as the file takes them: each column (n, 1), by name."""
        columns, each = self.lines.columns_, len(DATE_PARTS)
        n = len(columns.numbers)
        last = [n + each * (i + 1) - 1 for i in range(len(columns.dates))]
        places = [f"number {i}" for i in (*range(n), *last)]
        places += [f"category {i}" for i in range(len(columns.categories))]
        pairs = zip(self.columns, places, strict=True)
        return {name: plain[place].to_numpy()[:, None] for name, place in pairs}

    def draw(self, n: int) -> pd.DataFrame:
        """Draw arranged rows that lie where those of the training lie, odd cells among them."""
        rng, lines = np.random.default_rng(0), self.lines
        columns, parts = lines.columns_, lines.transformer_.named_transformers_
        cells: dict[str, Any] = {}

        def holes(values: NDArray[Any], mark: Any) -> NDArray[Any]:
            return np.where(rng.random(n) < LEFT_OUT, mark, values)

        for i in range(len(columns.numbers)):
            scaler, mark = parts["numbers"].steps[-1][1], lines.limits_.mark[i]
            far = np.where(rng.random(n) < LEFT_OUT, BEYOND, 1.0)
            values = rng.normal(scaler.mean_[i], far * scaler.scale_[i])
            cells[f"number {i}"] = holes(holes(values, mark), np.nan)
        for _ in columns.dates:
            days = holes(rng.integers(*DAYS, n).astype(float), np.nan)
            for part in date_parts(pd.Series(pd.to_datetime(days, unit="D"))):
                cells[f"number {len(cells)}"] = part
        for i in range(len(columns.categories)):
            known = [*parts["categories"].categories_[i], "never seen"]
            cells[f"category {i}"] = holes(rng.choice(known, n).astype(object), MISSING)
        return pd.DataFrame(cells)

    def file(self) -> bytes:
        """Return the content of the file, from columns to prepared rows."""
        graph = _TableGraph(self.lines)
        parts = [name for prepare in self.preparations for name in graph.prepared(prepare)]
        graph.add("Concat", parts, "output", axis=1)
        width = sum(prepare.shape_[0] for prepare in self.preparations)
        kinds = self.columns.items()
        strings, numbers = TensorProto.STRING, TensorProto.DOUBLE
        inputs = {name: strings if kind == "category" else numbers for name, kind in kinds}
        return graph.file("table", 0, width, inputs=inputs)


def _lines(prepare: Kind) -> TablePreparation:
    return prepare.lines_ if isinstance(prepare, TableViews) else prepare


@final
class _TableGraph(OnnxGraph):
    """A graph from the columns of a table."""

    def __init__(self, lines: TablePreparation) -> None:
        super().__init__()
        columns = lines.columns_
        self.categories = [str(name) for name in columns.categories]
        each = [str(name) for name in columns.numbers]
        each += [part for name in columns.dates for part in self._date(str(name))]
        self.numbers = self.add("Concat", each, axis=1) if each else ""

    def prepared(self, prepare: Kind) -> list[str]:
        """Add the rows of a preparation; return the names of their parts (B, ...)."""
        lines = _lines(prepare)
        means = self._means(lines)
        trees = [*self._tree_numbers(), *self._codes(lines), *means]
        own = [*self._standardized(lines), *self._one_hot(lines), *means]
        return [*trees, *own] if isinstance(prepare, TableViews) else own

    def _tree_numbers(self) -> list[str]:
        return [self._float(self.numbers)] if self.numbers else []

    def _standardized(self, lines: TablePreparation) -> list[str]:
        """Impute, flag, limit and standardize the numbers."""
        if not self.numbers:
            return []
        limits, cells = lines.limits_, self.numbers
        if not np.isnan(limits.mark).all():
            marked = self.add("Equal", [cells, self.number(limits.mark)])
            cells = self.add("Where", [marked, self.number(np.nan), cells])
        imputer, scaler = (
            step for _, step in lines.transformer_.named_transformers_["numbers"].steps
        )
        gaps = self.add("IsNaN", [cells])
        filled = self.add("Where", [gaps, self.number(imputer.statistics_), cells])
        if len(limits.limited):
            filled = self.add("Max", [filled, self.number(limits.low)])
            filled = self.add("Min", [filled, self.number(limits.high)])
        if len(flagged := imputer.indicator_.features_):
            some = self.add("Gather", [gaps, self.number(flagged, np.int64)], axis=1)
            flags = self.add("Cast", [some], to=TensorProto.DOUBLE)
            filled = self.add("Concat", [filled, flags], axis=1)
        centred = self.add("Sub", [filled, self.number(scaler.mean_)])
        return [self._float(self.add("Div", [centred, self.number(scaler.scale_)]))]

    def _one_hot(self, lines: TablePreparation) -> list[str]:
        """Add the features of categories; rare ones share the last of a column."""
        found = []
        for column, known, frequent in self._columns(lines):
            places = {name: i for i, name in enumerate(frequent)}
            width = len(frequent) + (len(known) > len(frequent))
            codes = self._encoded(column, {name: places.get(name, len(frequent)) for name in known})
            at = self.add("Equal", [codes, self.number(np.arange(width), np.int64)])
            found.append(self._float(at))
        return found

    def _codes(self, lines: TablePreparation) -> list[str]:
        """Add the place of each category among those with a feature of their own; NaN of others."""
        nowhere, none = self.number(np.nan, np.float32), self.number(0, np.int64)
        found = []
        for column, _, frequent in self._columns(lines):
            codes = self._encoded(column, {name: i for i, name in enumerate(frequent)})
            other = self.add("Less", [codes, none])
            found.append(self.add("Where", [other, nowhere, self._float(codes)]))
        return found

    def _means(self, lines: TablePreparation) -> list[str]:
        """Add the mean labels of the categories of wide columns."""
        if lines.means_ is None:
            return []
        found = []
        pairs = zip(lines.wide_, lines.means_.categories, lines.means_.means, strict=True)
        for i, known, means in pairs:
            codes = self._encoded(self.categories[i], {name: j for j, name in enumerate(known)})
            whole = np.pad(means, ((0, 1), (0, 0)))  # the last row is of others, at −1
            table = self.number(whole, np.float32)
            flat = self.add("Reshape", [codes, self.number([-1], np.int64)])
            found.append(self.add("Gather", [table, flat], axis=0))
        return found

    def _columns(self, lines: TablePreparation) -> list[tuple[str, list[str], list[str]]]:
        """Return the name of each column of categories, those that are known, the frequent ones."""
        if not self.categories:
            return []
        encoder = lines.transformer_.named_transformers_["categories"]
        known = [[*of] for of in encoder.categories_]
        return list(zip(self.categories, known, lines.frequent_, strict=True))

    def _encoded(self, column: str, places: Mapping[str, int]) -> str:
        """Add the place of each cell's category, (B, 1); −1 for others."""
        if MISSING in places:
            places = {**places, "": places[MISSING]}
        return self.add(
            "LabelEncoder", [column], domain="ai.onnx.ml", keys_strings=[*places],
            values_int64s=[*places.values()], default_int64=-1,
        )  # fmt: skip

    def _float(self, name: str) -> str:
        return self.add("Cast", [name], to=TensorProto.FLOAT)

    def _date(self, days: str) -> list[str]:
        """Add year, month and day of the week of days since 1970, by the Gregorian calendar.

        References
        ----------
        Hinnant, chrono-Compatible Low-Level Date Algorithms, 2013: civil_from_days.
        """
        day = self.add("Floor", [days])
        z = self._plus(day, 719_468)
        era = self._over(z, 146_097)
        doe = self.add("Sub", [z, self._times(era, 146_097)])  # [0, 146096]
        leap = [self._over(doe, every) for every in (1460, 36_524, 146_096)]
        shifted = self.add(
            "Sub", [self.add("Add", [self.add("Sub", [doe, leap[0]]), leap[1]]), leap[2]]
        )
        yoe = self._over(shifted, 365)  # [0, 399]
        before = self.add("Sub", [self._times(yoe, 365), self._over(yoe, 100)])
        doy = self.add("Sub", [doe, self.add("Add", [before, self._over(yoe, 4)])])  # [0, 365]
        mp = self._over(self._plus(self._times(doy, 5), 2), 153)  # [0, 11], from March
        late = self.add("Less", [self.number(9.5), mp])
        month = self.add("Where", [late, self._plus(mp, -9), self._plus(mp, 3)])
        turn = self.add("Cast", [late], to=TensorProto.DOUBLE)
        year = self.add("Add", [self.add("Add", [yoe, self._times(era, 400)]), turn])
        since = self._plus(day, 3)  # 1970 began on a Thursday
        weekday = self.add("Sub", [since, self._times(self._over(since, 7), 7)])
        return [year, month, weekday, days]

    def _plus(self, name: str, value: float) -> str:
        return self.add("Add", [name, self.number(value)])

    def _times(self, name: str, value: float) -> str:
        return self.add("Mul", [name, self.number(value)])

    def _over(self, name: str, value: float) -> str:
        return self.add("Floor", [self.add("Div", [name, self.number(value)])])
