"""Indexes of vectors by inner product: exact, by cells (IVF), or by a graph (HNSW).

What they share is :class:`~.backend.Backend`. All need faiss.
"""

from __future__ import annotations

from fourfold.errors import MissingExtraError

try:
    import faiss  # noqa: F401  every file here needs it
except ImportError as error:
    raise MissingExtraError(error.name or "faiss", "labels") from error

from fourfold.algorithms.label_index.index import LabelIndex

__all__ = ["LabelIndex"]
