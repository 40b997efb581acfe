"""The parts of a preparation of tables: transformers of scikit-learn, and axes of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, normalize
from sklearn.utils.extmath import randomized_svd

from fourfold.preparation.word_counts import vectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["column_transformer", "on_axes", "word_axes"]

AXES: Final = 30
"""Axes of the words of a table's text."""
MOST_TEXTS: Final = 20_000
"""Texts by which they are found."""
COMMON: Final = 5
"""Texts, at least, with a word that is on an axis."""


def column_transformer(
    names: Sequence[str], min_frequency: int, max_categories: int, max_words: int
) -> ColumnTransformer:
    """Build the unfitted transformer for columns of arranged rows, by their names."""
    numbers = [name for name in names if name.startswith("number")]
    categories = [name for name in names if name.startswith("category")]
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    encoder = OneHotEncoder(
        handle_unknown="ignore",
        min_frequency=min_frequency,
        max_categories=max_categories,
        dtype=np.float32,
    )
    parts: list[tuple[str, Any, Any]] = []
    if numbers:
        parts.append(("numbers", make_pipeline(imputer, StandardScaler()), numbers))
    if categories:
        parts.append(("categories", encoder, categories))
    if "text" in names:
        words = vectorizer("tf-idf", max_features=max_words)
        parts.append(("text", words, "text"))
    return ColumnTransformer(parts, sparse_threshold=1.0 if "text" in names else 0.0)


def word_axes(transformer: ColumnTransformer, texts: NDArray[Any]) -> NDArray[np.float32]:
    """Return the main axes (words, axes) of the words of texts (n,), in any order.

    Words of few texts are left out, 0 on all axes: such a word would tell these texts from those
    that come later. Where all are of few, none is.

    References
    ----------
    Deerwester et al., Indexing by Latent Semantic Analysis, JASIS 1990.
    """
    ordered = np.sort(texts)[:: -(-len(texts) // MOST_TEXTS)]
    words = transformer.named_transformers_["text"].transform(ordered)
    common = np.flatnonzero(words.getnnz(axis=0) >= COMMON)
    common = common if len(common) else np.arange(words.shape[1])
    part = normalize(words[:, common])
    axes = np.zeros((words.shape[1], min(AXES, *part.shape)), np.float32)
    axes[common] = randomized_svd(part, axes.shape[1], random_state=0)[2].T
    return axes


def on_axes(words: Any, axes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the places (n, axes) of texts on axes, by their words (n, words), sparse.

    The words of a text that are on the axes have length 1; a place is that times √axes, so that its
    mean square is near that of other features.
    """
    common = np.flatnonzero(axes.any(axis=1))
    places = normalize(words[:, common]) @ axes[common]
    return np.asarray(np.sqrt(axes.shape[1]) * places, np.float32)
