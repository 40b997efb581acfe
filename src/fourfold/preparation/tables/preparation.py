"""TablePreparation: tables as numbers, by imputation, scaling, encoding and TF-IDF."""

from __future__ import annotations

import json
from copy import copy
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from fourfold.core.parameters import PositiveInt  # noqa: TC001  read from the annotations
from fourfold.data.rows import ArrayRows, FrameRows, SparseRows
from fourfold.errors import DataError
from fourfold.preparation.base import Preparation
from fourfold.preparation.tables.columns import (
    ColumnKinds,
    arranged,
    frame_of,
    sort_columns,
    warn_of_unseen,
)
from fourfold.preparation.tables.encoding import column_transformer, on_axes, word_axes
from fourfold.preparation.tables.limits import Limits
from fourfold.preparation.tables.target_encoding import LabelMeans
from fourfold.preparation.tables.telling import described, limit_notes, wide_notes
from fourfold.preparation.tables.transformer_file import load_transformer, save_transformer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.preparation.tables.target_encoding import LabelledRows

__all__ = ["TablePreparation"]

FILE = "tables.skops"
ARRAYS = "arrays.safetensors"


@final
class TablePreparation(Preparation):
    """Encode the columns of a table as numbers.

    Numbers: the median replaces missing cells, with an indicator column; then they are
    standardized. Outliers, if few, move to ten quartile ranges beyond the quartiles, and
    an outlier that is repeated, such as −999, counts as missing. Dates: year, month, day of the
    week and days since 1970, then as numbers. Categories and booleans: one-hot, rare ones together;
    unknown ones are zeros. A column of more than ``max_categories`` is also encoded by the mean
    labels of its categories, where there are labels. Text: TF-IDF, and all features are then
    sparse, or places on its main axes; several columns of text are one document. The kind of each
    column is inferred from all domains, by
    :func:`~fourfold.preparation.tables.columns.sort_columns`.

    Parameters
    ----------
    min_frequency
        Categories that occur less often share a column.
    max_categories
        Largest number of one-hot columns of a categorical column: of more categories, the most
        frequent have one each, and the others share one.
    max_words
        Largest number of words of the text, the most frequent ones.
    text
        ``"words"``: TF-IDF. ``"axes"``: places on the 30 main axes of that, which are not sparse.

    Attributes
    ----------
    columns_
        The kinds of the columns.
    transformer_
        The fitted scikit-learn ``ColumnTransformer``, which sees no labels.
    wide_
        Number of the columns among the categories → number of categories, for columns of more than
        ``max_categories``.
    means_
        The mean labels of the categories of these columns; None without labels.
    limits_
        The limits of the numbers.
    axes_
        (words, axes) the main axes of the words; none without text.

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
    max_categories: PositiveInt = 256
    max_words: PositiveInt = 20_000
    text: Literal["words", "axes"] = "words"

    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        who = type(self).__name__
        frames = [frame_of(part, who) for part in rows]
        self.columns_ = sort_columns(rows, frames)
        plain = [arranged(frame, self.columns_, who) for frame in frames]
        self.limits_ = Limits.fit([part.filter(like="number").to_numpy(float) for part in plain])
        whole = self._within(pd.concat(plain, ignore_index=True))
        sizes = (self.min_frequency, self.max_categories, self.max_words)
        try:
            self.transformer_ = column_transformer(list(whole.columns), *sizes).fit(whole)
        except ValueError as error:
            raise DataError(f"the table must hold something to learn from; got: {error}") from error
        self.axes_ = np.empty((0, 0), np.float32)
        if self.columns_.text:
            self.axes_ = word_axes(self.transformer_, whole["text"].to_numpy(object))
        self.means_: LabelMeans | None = None
        self.wide_: dict[int, int] = {}
        for i in range(len(self.columns_.categories)):
            counts = whole[f"category {i}"].value_counts()
            if (counts >= self.min_frequency).sum() > self.max_categories:
                self.wide_[i] = len(counts)
        words, axes = self.axes_.shape
        fewer = words - axes if self.text == "axes" else 0
        return (len(self.transformer_.get_feature_names_out()) - fewer,)

    def __sklearn_is_fitted__(self) -> bool:
        return "columns_" in self.__dict__

    def reduced(self) -> Self:
        """Return the same with texts on main axes; itself where it is fitted and has no text."""
        fitted = self.__sklearn_is_fitted__()
        if fitted and (not self.columns_.text or self.text == "axes"):
            return self
        made = copy(self)
        made.text = "axes"
        if fitted:
            words, axes = self.axes_.shape
            made.shape_ = (self.shape_[0] - words + axes,)
        return made

    @property
    def learns_labels(self) -> bool:
        check_is_fitted(self)
        return bool(self.wide_)

    def _learn_labels(self, labels: LabelledRows) -> tuple[int, ...]:
        plain = arranged(frame_of(labels.rows, ""), self.columns_, type(self).__name__)
        self.means_ = LabelMeans.fit(self._wide(plain), labels)
        return (self.shape_[0] + self.means_.width,)

    def transform(self, rows: Rows, who: str = "") -> Rows:
        return self.encode(self.arrange(rows, who))

    def out_of_fold(self, labels: LabelledRows, who: str = "") -> Rows:
        return self.encode(self.arrange(labels.rows, who), labels)

    def arrange(self, rows: Rows, who: str = "") -> pd.DataFrame:
        """Convert rows to numbers and strings, as :func:`arranged`; new categories are warned of.

        ``who`` and errors are those of :meth:`transform`.
        """
        check_is_fitted(self)
        who = who or type(self).__name__
        plain = arranged(frame_of(rows, who), self.columns_, who)
        if isinstance(rows, FrameRows) and rows.columns is None and self.columns_.categories:
            encoder = self.transformer_.named_transformers_["categories"]
            warn_of_unseen(plain, self.columns_, encoder.categories_)
        return plain

    def encode(self, plain: pd.DataFrame, labels: LabelledRows | None = None) -> Rows:
        """Encode arranged rows; those of labels that were learnt from by the labels of others."""
        if self.means_ is None:
            return self._ready(plain, None)
        wide = self._wide(plain)
        means = self.means_
        encoded = means.encode(wide) if labels is None else means.out_of_fold(wide, labels)
        return self._ready(plain, encoded)

    @property
    def frequent_(self) -> list[list[str]]:
        """The categories of each categorical column that have a feature of their own."""
        if not self.columns_.categories:
            return []
        encoder = self.transformer_.named_transformers_["categories"]
        pairs = zip(encoder.categories_, encoder.infrequent_categories_, strict=True)
        known = ((of, frozenset() if rare is None else frozenset(rare)) for of, rare in pairs)
        return [[name for name in of if name not in rare] for of, rare in known]

    @property
    def feature_columns(self) -> list[Any]:
        columns, parts = self.columns_, self.transformer_.named_transformers_
        found = columns.plain
        if found:
            found = found + [found[i] for i in parts["numbers"][0].indicator_.features_]
        found = found + [column for column, _ in self.encoded]
        return found + self.text_columns + self.mean_columns

    @property
    def text_columns(self) -> list[Any]:
        """Columns of each word, as one name."""
        count = self.axes_.shape[self.text == "axes"]
        return [" + ".join(map(str, self.columns_.text))] * count

    @property
    def encoded(self) -> list[tuple[Any, str]]:
        """Column and category of each feature that is one category; rare ones share one."""
        if not self.columns_.categories:
            return []
        names = self.transformer_.named_transformers_["categories"].get_feature_names_out()
        pairs = [name.removeprefix("category ").split("_", 1) for name in names]
        return [(self.columns_.categories[int(place)], category) for place, category in pairs]

    @property
    def mean_columns(self) -> list[Any]:
        """Column of each feature that is a mean label."""
        means = [] if self.means_ is None else self.means_.means
        pairs = zip(self.wide_, means, strict=False)
        return [self.columns_.categories[i] for i, of in pairs for _ in range(of.shape[1])]

    def _within(self, plain: pd.DataFrame) -> pd.DataFrame:
        """Return arranged rows with numbers within their limits."""
        within = self.limits_.apply(plain.filter(like="number").to_numpy(float))
        return plain.assign(**{f"number {i}": cells for i, cells in enumerate(within.T)})

    def _wide(self, plain: pd.DataFrame) -> pd.DataFrame:
        return plain[[f"category {i}" for i in self.wide_]]

    def _ready(self, plain: pd.DataFrame, means: NDArray[np.float64] | None) -> Rows:
        """Put the features without labels before the mean labels."""
        ready = self.transformer_.transform(self._within(plain))
        if self.columns_.text and self.text == "axes":
            at = ready.shape[1] - len(self.axes_)
            ready = np.hstack([ready[:, :at].toarray(), on_axes(ready[:, at:], self.axes_)])
        elif self.columns_.text:
            ready = ready if means is None else sparse.hstack([ready, means], format="csr")
            return SparseRows(ready.astype(np.float32))
        ready = ready if means is None else np.hstack([ready, means])
        return ArrayRows(np.ascontiguousarray(ready, np.float32))

    def check_rows(self, rows: Rows, who: str = "") -> None:
        check_is_fitted(self)
        who = who or type(self).__name__
        arranged(frame_of(rows, who), self.columns_, who)

    def describe(self) -> str:
        return f"{described(self.columns_)} as {self.shape_[0]} features"

    def notes(self) -> list[str]:
        wide = wide_notes(self.columns_, self.wide_, self.max_categories, self.means_)
        return [*wide, *limit_notes(self.columns_, self.limits_)]

    def config(self) -> dict[str, Any]:
        means = None if self.means_ is None else self.means_.categories
        wide = [[i, n] for i, n in self.wide_.items()]
        return {"columns": self.columns_.to_json(), "wide": wide, "encoded": means}

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
        return state | self._arrays

    @property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        means = [] if self.means_ is None else self.means_.means
        arrays: dict[str, NDArray[Any]] = {f"means {i}": array for i, array in enumerate(means)}
        return {**arrays, **self.limits_._asdict(), "axes": self.axes_}

    def _write(self, folder: Path) -> None:
        save_transformer(self.transformer_, self.digest, folder / FILE)
        save_file(self._arrays, folder / ARRAYS)

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        self.columns_ = ColumnKinds.of_json(config["columns"])
        self.transformer_ = load_transformer(folder / FILE)
        self.wide_, self.means_ = dict(config["wide"]), None
        saved = load_file(folder / ARRAYS)
        self.axes_ = saved["axes"]
        self.limits_ = Limits(*(saved[name] for name in Limits._fields))
        if config["encoded"] is not None:
            encoded = config["encoded"]
            means = [saved[f"means {i}"] for i in range(len(encoded))]
            self.means_ = LabelMeans(encoded, means)


def _bytes(value: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)
