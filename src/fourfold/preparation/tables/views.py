"""TableViews: each row of a table twice, for trees and for lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, final

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from fourfold.core.inside import read_json
from fourfold.core.parameters import PositiveInt  # noqa: TC001  read from the annotations
from fourfold.data.rows import ArrayRows
from fourfold.preparation.base import Preparation
from fourfold.preparation.tables.preparation import TablePreparation

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.preparation.tables.target_encoding import LabelledRows

__all__ = ["TableViews"]

LINES: Final = "lines"
"""Folder of the preparation for lines."""


@final
class TableViews(Preparation):
    """Encode the columns of a table for trees, and behind that for lines.

    For trees numbers and parts of dates stay as they are, a missing cell is NaN, and a category is
    its place among those that have a feature of their own; NaN stands for others. Behind these are
    the places of texts on the main axes of their words, and the mean labels of the categories of
    wide columns. For lines all is as in
    :class:`~fourfold.preparation.tables.preparation.TablePreparation` with ``text="axes"``.

    Parameters
    ----------
    min_frequency, max_categories, max_words
        As there.

    Attributes
    ----------
    lines_
        The fitted preparation for lines.
    """

    min_frequency: PositiveInt = 2
    max_categories: PositiveInt = 256
    max_words: PositiveInt = 20_000

    @classmethod
    def over(cls, lines: TablePreparation) -> Self:
        """Return the views of a preparation for lines, fitted if that is."""
        params = lines.get_params(deep=False)
        del params["text"]
        views = cls(**params)
        if lines.__sklearn_is_fitted__():
            views.lines_ = lines.reduced()
            views.shape_ = (views.start + views.lines_.shape_[0],)
        return views

    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        self.lines_ = TablePreparation(**self.get_params(deep=False), text="axes").fit(*rows)
        return (self.start + self.lines_.shape_[0],)

    @property
    def learns_labels(self) -> bool:
        check_is_fitted(self)
        return self.lines_.learns_labels

    def _learn_labels(self, labels: LabelledRows) -> tuple[int, ...]:
        self.lines_.learn_labels(labels)
        return (self.start + self.lines_.shape_[0],)

    @property
    def kinds(self) -> dict[Any, str]:
        """Kind of each column that is an input."""
        return {name: column.kind for name, column in self.lines_.columns_.columns.items()}

    @property
    def categories(self) -> range:
        """Places of the features for trees that are categories."""
        columns = self.lines_.columns_
        numbers = len(columns.plain)
        return range(numbers, numbers + len(columns.categories))

    @property
    def start(self) -> int:
        """Number of the features for trees, which come first."""
        means, axes = self.lines_.means_, self.lines_.axes_.shape[1]
        return self.categories.stop + axes + (0 if means is None else means.width)

    @property
    def feature_columns(self) -> list[Any]:
        lines = self.lines_
        columns = lines.columns_
        trees = columns.plain + columns.categories + lines.text_columns + lines.mean_columns
        return trees + lines.feature_columns

    def transform(self, rows: Rows, who: str = "") -> Rows:
        return self.encode(self.lines_.arrange(rows, who or type(self).__name__))

    def encode(self, plain: pd.DataFrame) -> Rows:
        """Encode arranged rows."""
        return self._joined(plain, self.lines_.encode(plain))

    def out_of_fold(self, labels: LabelledRows, who: str = "") -> Rows:
        plain = self.lines_.arrange(labels.rows, who or type(self).__name__)
        return self._joined(plain, self.lines_.encode(plain, labels))

    def _joined(self, plain: pd.DataFrame, lines: Rows) -> Rows:
        """Put the features for trees before those for lines."""
        numbers = [plain[name] for name in plain if str(name).startswith("number")]
        known = enumerate(self.lines_.frequent_)
        codes = [pd.Index(of).get_indexer(pd.Index(plain[f"category {i}"])) for i, of in known]
        places = [np.where(code < 0, np.nan, code) for code in codes]
        features = lines.take(np.arange(lines.n))
        shared = features[:, features.shape[1] - (self.start - self.categories.stop) :]
        trees = np.column_stack([*numbers, *places, shared]).astype(np.float32)
        return ArrayRows(np.hstack([trees, features]))

    def check_rows(self, rows: Rows, who: str = "") -> None:
        check_is_fitted(self)
        self.lines_.check_rows(rows, who or type(self).__name__)

    def describe(self) -> str:
        return f"{self.start} features for trees, and for lines {self.lines_.describe()}"

    def notes(self) -> list[str]:
        return self.lines_.notes()

    def config(self) -> dict[str, Any]:
        return self.lines_.config()

    def state(self) -> dict[str, NDArray[Any]]:
        return self.lines_.state()

    def _write(self, folder: Path) -> None:
        (folder / LINES).mkdir()
        self.lines_.save(folder / LINES)

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        del config
        about = read_json(folder / LINES / "preparation.json")
        self.lines_ = TablePreparation.rebuild(about, folder / LINES)
