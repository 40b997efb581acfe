"""Inputs of peers as matrices: pixels, spectrograms, counted words, encoded sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks.arena.peers.encoding import encode

if TYPE_CHECKING:
    from benchmarks.arena.task import Case

__all__ = ["Matrices", "of_arrays", "of_inputs", "of_sentences", "of_tables", "of_words"]


class Matrices(NamedTuple):
    """Inputs (n, d) of source, target and the rows to evaluate on, dense or sparse."""

    source: Any
    target: Any
    evaluate: Any

    @staticmethod
    def stacked(*parts: Any) -> Any:
        """Return the rows of all parts."""
        return sparse.vstack(parts).tocsr() if sparse.issparse(parts[0]) else np.concatenate(parts)


def of_inputs(case: Case) -> Matrices:
    """Return inputs of any kind but counts as matrices."""
    if isinstance(case.source.X, pd.DataFrame):
        return of_tables(case)
    return of_words(case) if isinstance(case.source.X, list) else of_arrays(case)


def of_tables(case: Case) -> Matrices:
    """Scale numbers and encode words one-hot."""
    table = encode(case)
    return Matrices(*(pile.dense for pile in (table.source, table.target, table.evaluate)))


def of_arrays(case: Case) -> Matrices:
    """Flatten arrays or spectrograms, and standardize them by one mean and spread."""
    piles = [_flat(rows.X) for rows in (case.source, case.target, case.evaluate)]
    mean, spread = piles[0].mean(), piles[0].std()
    return Matrices(*((pile - mean) / (spread * pile.shape[1] ** 0.5) * 10 for pile in piles))


def of_words(case: Case) -> Matrices:
    """Weigh words and pairs of words by TF-IDF, learnt on both domains."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    piles = [rows.X for rows in (case.source, case.target, case.evaluate)]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(piles[0] + piles[1])
    return Matrices(*(words.transform(pile) for pile in piles))


def of_sentences(case: Case, encoder: str) -> Matrices:
    """Encode texts as users of sentence-transformers do."""
    from sentence_transformers import SentenceTransformer

    network = SentenceTransformer(encoder, device="cpu")
    piles = [rows.X for rows in (case.source, case.target, case.evaluate)]
    return Matrices(*(4 * np.asarray(network.encode(pile)) for pile in piles))


def _flat(X: Any) -> Any:
    """Return rows (n, d) in single precision; sounds are decoded."""
    values = X if isinstance(X, np.ndarray) else X.take(np.arange(X.n))
    return np.asarray(values, np.float32).reshape(len(values), -1)
