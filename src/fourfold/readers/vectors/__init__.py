"""Word vectors: the numbers that stand for words, from files of GloVe, word2vec or NumPy.

Only the reading of word vectors and the lookup of names belong here.
"""

from __future__ import annotations

from fourfold.readers.vectors.lookup import WordVectors

__all__ = ["WordVectors"]
