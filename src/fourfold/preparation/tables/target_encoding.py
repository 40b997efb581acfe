"""Target encoding: categories as the mean labels of their rows, out of fold where these learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, final

import numpy as np
import pandas as pd
from sklearn.preprocessing import TargetEncoder
from xxhash import xxh3_128_hexdigest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["LabelMeans", "LabelledRows"]

FOLDS: Final = 5
MOST_CLASSES: Final = 64
"""Classes whose shares are encoded; of more, the most frequent ones."""


@final
class LabelledRows(NamedTuple):
    """Rows of one domain, with the labels that a preparation may learn from.

    Attributes
    ----------
    rows
        All rows of the domain.
    y
        (n,) positions of classes, −1 where the label is missing; or (n, m) numbers, NaN there.
    groups
        (n,) numbers of groups that are never divided between folds; None without groups.
    """

    rows: Rows
    y: NDArray[Any]
    groups: NDArray[np.intp] | None = None

    @property
    def digest(self) -> str:
        """Hashes of rows, labels and groups."""
        arrays = [self.y] if self.groups is None else [self.y, self.groups]
        parts = [f"{one.dtype}{one.shape} {xxh3_128_hexdigest(one.tobytes())}" for one in arrays]
        return " ".join([self.rows.digest, *parts])

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether a row has a label, (n,)."""
        return self.y >= 0 if self.y.ndim == 1 else ~np.isnan(self.y).all(axis=1)

    def columns(self) -> NDArray[np.float64]:
        """Return the labels as numbers (n, k), NaN where one is missing.

        Of two classes there is one column, 0 or 1, of more a column each.
        """
        if self.y.ndim > 1:
            return self.y.astype(np.float64)
        counts = np.bincount(self.y[self.known])
        often = np.sort(np.argsort(-counts, kind="stable")[:MOST_CLASSES])
        there = often[counts[often] > 0]
        wanted = self.y[:, None] == (there[1:] if len(there) == 2 else there)
        return np.where(self.known[:, None], wanted.astype(np.float64), np.nan)

    def folds(self) -> NDArray[np.intp]:
        """Return the fold of each row, (n,), drawn by content, so that their order is no matter."""
        keys = self.rows.keys.view(np.uint64).reshape(-1, 2)
        labels = self.y.reshape(len(self.y), -1)
        order = np.lexsort((*labels.T, *keys.T))
        unit = np.argsort(order)
        if self.groups is not None:
            first = np.full(self.groups.max() + 1, len(unit))
            np.minimum.at(first, self.groups, unit)
            unit = np.unique(first[self.groups], return_inverse=True)[1]
        drawn = np.random.default_rng(0).permutation(unit.max() + 1)
        return np.asarray(drawn[unit] % FOLDS, np.intp)


@final
@dataclass(frozen=True)
class LabelMeans:
    """Mean labels of the categories of some columns, shrunk towards the mean of all labels.

    Attributes
    ----------
    categories
        The categories of each column.
    means
        For each column (categories, k): how far the labels of a category lie from the mean, in
        standard deviations of the labels. An unknown category gets 0, the mean of all labels.

    References
    ----------
    Micci-Barreca, A Preprocessing Scheme for High-Cardinality Categorical Attributes in
    Classification and Prediction Problems, SIGKDD Explorations 2001.
    """

    categories: Sequence[Sequence[str]]
    means: Sequence[NDArray[np.float64]]

    @classmethod
    def fit(cls, cells: pd.DataFrame, labels: LabelledRows) -> Self:
        """Learn from the labelled rows of a table of categories."""
        codes, categories = _codes(cells[labels.known])
        return cls(categories, _means(codes, categories, labels.columns()[labels.known]))

    @property
    def width(self) -> int:
        """Number of features."""
        return sum(means.shape[1] for means in self.means)

    def encode(self, cells: pd.DataFrame) -> NDArray[np.float64]:
        """Encode rows that nothing was learnt from: (n, width)."""
        pairs = zip(self.categories, cells, strict=True)
        codes = [pd.Index(known).get_indexer(pd.Index(cells[name])) for known, name in pairs]
        return _at(self.means, np.stack(codes, axis=1))

    def out_of_fold(self, cells: pd.DataFrame, labels: LabelledRows) -> NDArray[np.float64]:
        """Encode the rows of :meth:`fit`, each by the labels of other folds: (n, width)."""
        encoded = self.encode(cells)
        known, folds, y = labels.known, labels.folds(), labels.columns()
        codes = np.zeros(cells.shape, np.intp)
        codes[known], categories = _codes(cells[known])
        for fold in range(FOLDS):
            held, others = known & (folds == fold), known & (folds != fold)
            means = _means(codes[others], categories, y[others])
            encoded[held] = _at(means, codes[held])
        return encoded


def _codes(cells: pd.DataFrame) -> tuple[NDArray[np.intp], list[list[str]]]:
    """Return the positions (n, columns) of cells among the sorted categories, and these."""
    found = [pd.factorize(cells[name], sort=True) for name in cells]
    return np.stack([codes for codes, _ in found], axis=1), [list(known) for _, known in found]


def _means(
    codes: NDArray[np.intp], categories: Sequence[Sequence[str]], y: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Return for each column of codes (n, columns) the shrunk means of labels (n, k) in it.

    They are (categories, k), in standard deviations of each label from its mean.
    """
    known = [np.arange(len(names)) for names in categories]
    means = [np.zeros((len(names), y.shape[1])) for names in categories]
    for i, label in enumerate(y.T):
        there = ~np.isnan(label)
        spread = label[there].std() if there.any() else 0.0
        if spread:
            encoder = TargetEncoder(categories=known, target_type="continuous")
            encoder.fit(codes[there], (label[there] - label[there].mean()) / spread)
            for mean, encoding in zip(means, encoder.encodings_, strict=True):
                mean[:, i] = encoding - encoder.target_mean_
    return means


def _at(means: Sequence[NDArray[np.float64]], codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the means at positions (n, columns) of categories, 0 at −1."""
    pairs = zip(means, codes.T, strict=True)
    return np.hstack([np.pad(each, ((0, 1), (0, 0)))[at] for each, at in pairs])
