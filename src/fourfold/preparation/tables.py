"""TablePreparation: tables as numbers, by imputation, scaling, one-hot columns and TF-IDF."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, final

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted

from fourfold.core.parameters import PositiveInt  # noqa: TC001  read from the annotations
from fourfold.data.rows import ArrayRows, SparseRows, TextRows
from fourfold.errors import DataError
from fourfold.preparation.base import Preparation
from fourfold.preparation.scripts import separated
from fourfold.preparation.table_columns import ColumnKinds, arranged, sort_columns
from fourfold.preparation.transformer_file import load_transformer, save_transformer
from fourfold.preparation.word_counts import vectorizer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["TablePreparation"]

FILE = "tables.skops"


@final
class TablePreparation(Preparation):
    """Encode the columns of a table as numbers.

    Numbers: the median replaces missing cells, with an indicator column; then they are
    standardized. Dates: year, month, day of the week and days since 1970, then as numbers.
    Categories and booleans: one-hot, rare ones together; unknown ones are zeros. Text: TF-IDF, and
    all features are then sparse; several columns of text are one document. The kind of each column
    is inferred by :func:`~fourfold.preparation.table_columns.sort_columns` from all domains.

    Parameters
    ----------
    min_frequency
        Categories that occur less often share a column.
    max_categories
        Largest number of one-hot columns of a categorical column.
    max_words
        Largest number of words of the text, the most frequent ones.

    Attributes
    ----------
    columns_
        The kinds of the columns.
    transformer_
        The fitted scikit-learn ``ColumnTransformer``.

    Examples
    --------
    >>> import pandas as pd
    >>> from fourfold.data.rows import FrameRows
    >>> table = pd.DataFrame({"age": [20, None, 40], "town": ["Ulm", "Bonn", "Ulm"]})
    >>> rows = FrameRows(table)
    >>> TablePreparation(min_frequency=1).fit(rows).transform(rows).sample(3).round(1)
    array([[-1.2, -0.7,  0. ,  1. ],
           [ 0. ,  1.4,  1. ,  0. ],
           [ 1.2, -0.7,  0. ,  1. ]], dtype=float32)
    """

    min_frequency: PositiveInt = 2
    max_categories: PositiveInt = 50
    max_words: PositiveInt = 20_000

    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        frames = [_frame(part, type(self).__name__) for part in rows]
        self.columns_ = sort_columns(frames)
        whole = pd.concat(
            [_arranged(frame, self.columns_, type(self).__name__) for frame in frames],
            ignore_index=True,
        )
        try:
            self.transformer_ = self._parts(list(whole.columns)).fit(whole)
        except ValueError as error:
            raise DataError(f"the table must hold something to learn from; got: {error}") from error
        return (len(self.transformer_.get_feature_names_out()),)

    def _parts(self, names: list[str]) -> ColumnTransformer:
        """Build the unfitted transformer for the columns of :func:`arranged`."""
        numbers = [name for name in names if name.startswith("number")]
        categories = [name for name in names if name.startswith("category")]
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        encoder = OneHotEncoder(
            handle_unknown="ignore",
            min_frequency=self.min_frequency,
            max_categories=self.max_categories,
            dtype=np.float32,
        )
        parts: list[tuple[str, Any, Any]] = []
        if numbers:
            parts.append(("numbers", make_pipeline(imputer, StandardScaler()), numbers))
        if categories:
            parts.append(("categories", encoder, categories))
        if "text" in names:
            words = vectorizer("tf-idf", max_features=self.max_words)
            parts.append(("text", words, "text"))
        return ColumnTransformer(parts, sparse_threshold=1.0 if "text" in names else 0.0)

    def transform(self, rows: Rows, who: str = "") -> Rows:
        check_is_fitted(self)
        who = who or type(self).__name__
        plain = _arranged(_frame(rows, who), self.columns_, who)
        ready = self.transformer_.transform(plain)
        if self.columns_.text:
            return SparseRows(ready.astype(np.float32))
        return ArrayRows(np.ascontiguousarray(ready, np.float32))

    def check_rows(self, rows: Rows, who: str = "") -> None:
        check_is_fitted(self)
        who = who or type(self).__name__
        arranged(_frame(rows, who), self.columns_, who)

    def describe(self) -> str:
        kinds = {
            "number": self.columns_.numbers,
            "date": self.columns_.dates,
            "category column": self.columns_.categories,
            "text column": self.columns_.text,
        }
        counts = [
            f"{len(names)} {kind}{'s' if len(names) > 1 else ''}"
            for kind, names in kinds.items()
            if names
        ]
        return f"{', '.join(counts)} as {self.shape_[0]} features"

    def config(self) -> dict[str, Any]:
        return {"columns": self.columns_._asdict()}

    def state(self) -> dict[str, NDArray[Any]]:
        parts = self.transformer_.named_transformers_
        state: dict[str, NDArray[Any]] = {}
        if "numbers" in parts:
            imputer, scaler = (step for _, step in parts["numbers"].steps)
            state |= {"median": imputer.statistics_, "indicated": imputer.indicator_.features_}
            state |= {"mean": scaler.mean_, "scale": scaler.scale_}
        if "categories" in parts:
            state["categories"] = _bytes(parts["categories"].get_feature_names_out().tolist())
            state["known"] = _bytes([known.tolist() for known in parts["categories"].categories_])
        if "text" in parts:
            state["words"] = _bytes(parts["text"].get_feature_names_out().tolist())
            state["idf"] = parts["text"].idf_
        return state

    def _write(self, folder: Path) -> None:
        save_transformer(self.transformer_, folder / FILE)

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        self.columns_ = ColumnKinds(**config["columns"])
        self.transformer_ = load_transformer(folder / FILE)


def _arranged(frame: pd.DataFrame, columns: ColumnKinds, who: str) -> pd.DataFrame:
    """Return the columns of :func:`arranged`, text with spaces between its words."""
    plain = arranged(frame, columns, who)
    if columns.text:
        plain["text"] = plain["text"].map(separated)
    return plain


def _frame(rows: Rows, who: str) -> pd.DataFrame:
    if isinstance(rows, TextRows) and rows.column is not None:  # a table with one column of texts
        return pd.DataFrame({rows.column: rows.texts})
    if rows.kind != "table":
        raise DataError(f"{who} must be given a table (a DataFrame); got rows of kind {rows.kind}")
    frame: pd.DataFrame = rows.take(np.arange(rows.n))
    return frame


def _bytes(value: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)
