"""The file of a fitted scikit-learn transformer: skops, with a short list of types."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, final
from zipfile import ZIP_STORED, ZipFile

from fourfold.errors import BundleError, some

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sklearn.compose import ColumnTransformer

__all__ = ["load_transformer", "save_transformer"]

TYPES: Final = frozenset(
    {
        ("DTypeNode", "numpy.dtype"),
        ("DictNode", "builtins.dict"),
        ("JsonNode", "builtins.str"),
        ("ListNode", "builtins.list"),
        ("NdArrayNode", "numpy.float64"),
        ("NdArrayNode", "numpy.int64"),
        ("NdArrayNode", "numpy.ndarray"),
        ("ObjectNode", "sklearn.compose._column_transformer.ColumnTransformer"),
        ("ObjectNode", "sklearn.compose._column_transformer._RemainderColsList"),  # before 1.7
        ("ObjectNode", "sklearn.feature_extraction.text.TfidfTransformer"),
        ("ObjectNode", "sklearn.feature_extraction.text.TfidfVectorizer"),
        ("ObjectNode", "sklearn.impute._base.MissingIndicator"),
        ("ObjectNode", "sklearn.impute._base.SimpleImputer"),
        ("ObjectNode", "sklearn.pipeline.Pipeline"),
        ("ObjectNode", "sklearn.preprocessing._data.StandardScaler"),
        ("ObjectNode", "sklearn.preprocessing._encoders.OneHotEncoder"),
        ("SliceNode", "builtins.slice"),
        ("TupleNode", "builtins.tuple"),
        ("TypeNode", "builtins.str"),
        ("TypeNode", "numpy.float32"),
    }
)
"""Parts that a file may have, as pairs of skops's reader and the type: nothing callable."""


@final
@dataclass(frozen=True)
class _Fitted:
    """A fitted transformer, known by a digest of its state."""

    digest: str
    transformer: ColumnTransformer = field(compare=False)


def save_transformer(transformer: ColumnTransformer, digest: str, path: Path) -> None:
    """Write a fitted transformer; models of the same one share the content."""
    path.write_bytes(_content(_Fitted(digest, transformer)))


@lru_cache(maxsize=8)
def _content(fitted: _Fitted) -> bytes:
    from skops.io import dumps  # takes half a second: it imports all of scikit-learn

    content: bytes = dumps(fitted.transformer)
    return content


def load_transformer(path: Path) -> ColumnTransformer:
    """Read a fitted transformer; all types are checked before anything is made.

    Raises
    ------
    BundleError
        If it holds other types than those of a preparation, or compressed content, whose size
        nobody knows.
    """
    with ZipFile(path) as file:
        parts = file.infolist()
        if any(part.compress_type != ZIP_STORED for part in parts):
            raise BundleError("a saved preparation must not be compressed; got a file that is")
        if sum(part.file_size for part in parts) > path.stat().st_size:
            raise BundleError("a saved preparation must hold each part once; got twins")
        foreign = set(_types(json.loads(file.read("schema.json")))) - TYPES
    if foreign:
        names = some(sorted(f"{kind:.60} by {reader:.30}" for reader, kind in foreign), 1)
        raise BundleError(f"a saved preparation must hold scikit-learn's types only; got {names}")
    from skops.io import load  # imported late, as in _content

    return load(path, trusted=[kind for _, kind in TYPES])


def _types(schema: Any) -> Iterator[tuple[str, str]]:
    """Yield the reader and the type of each part of a file."""
    if isinstance(schema, dict):
        if "__loader__" in schema:
            yield str(schema["__loader__"]), f"{schema['__module__']}.{schema['__class__']}"
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else []:
        yield from _types(part)
