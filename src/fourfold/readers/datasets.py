"""Domains from Hugging Face datasets; pictures stay encoded until they are read."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, final

import numpy as np
from xxhash import xxh3_128_digest

from fourfold.core.memory import check_fits
from fourfold.data.domain import Domain
from fourfold.errors import DataError, MissingExtraError
from fourfold.readers.files import file_size, named
from fourfold.readers.media.decoded import Encoded
from fourfold.readers.media.pictures import PictureRows

try:
    import datasets
except ImportError as error:
    raise MissingExtraError("datasets", "text") from error

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["from_dataset"]


def from_dataset(
    dataset: datasets.Dataset,
    *,
    label: str | None = None,
    inputs: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    missing: object = "auto",
    name: str = "",
) -> Domain:
    """Make a domain from a Hugging Face dataset.

    Parameters
    ----------
    dataset
        One split. A column of pictures, or of arrays of one shape, must be the only input; all
        other columns together make a table.
    label
        Column of the labels. A ``ClassLabel`` is read as class names, with −1 for a missing label.
    inputs
        Columns of the inputs; by default all except the label.
    size
        Height and width of pictures; by default taken from the pictures.
    missing, name
        As in :class:`~fourfold.Domain`.

    Raises
    ------
    DataError
        If a column is missing, or the columns cannot be combined into inputs.
    """
    columns = [c for c in inputs or dataset.column_names if inputs or c != label]
    for column in [*columns, *([label] if label else [])]:
        if column not in dataset.column_names:
            has = ", ".join(dataset.column_names)
            raise DataError(f"the dataset must have the column {column!r}; it has {has}")
    with named(f"the dataset {name}".rstrip()):
        y = _labels(dataset, label) if label else None
        X: Any = dataset.select_columns(columns)
        if len(columns) == 1 and isinstance(dataset.features[columns[0]], datasets.Image):
            X = PictureRows(DatasetPictures(dataset, columns[0]), size)
        return Domain(X, y, missing=missing, name=name)


def _labels(dataset: datasets.Dataset, label: str) -> Any:
    kind = dataset.features[label]
    values = dataset.with_format(None)[label][:]
    if isinstance(kind, datasets.ClassLabel):
        named = [None if v is None or v < 0 else kind.int2str(v) for v in values]
        return np.array(named, object)
    return np.array(values, object)


@final
class DatasetPictures(Encoded):
    """Encoded pictures in a column of a dataset."""

    noun = "picture"

    def __init__(self, dataset: datasets.Dataset, column: str) -> None:
        stored = dataset.select_columns([column]).with_format(None)
        self.cells = stored.cast_column(column, datasets.Image(decode=False))
        self.n, self.column = len(stored), column

    def name(self, at: int) -> str:
        return f"{at} of column {self.column!r}"

    def _bytes(self, at: int) -> bytes:
        cell = self.cells[at][self.column]
        if cell is None:
            raise DataError(f"the picture {self.name(at)} must be there; got a missing cell")
        content: bytes | None = cell["bytes"]
        if content is not None:
            return content
        file = Path(cell["path"])
        check_fits(file_size(file), "the file")
        return file.read_bytes()

    def _open(self, at: int) -> BinaryIO:
        return BytesIO(self._bytes(at))

    def _content(self, at: int) -> bytes:
        return xxh3_128_digest(self._bytes(at))
