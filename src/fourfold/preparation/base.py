"""What is done to inputs before a network sees them: fitted without labels, on all domains."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, final

import numpy as np
from sklearn.utils.validation import check_is_fitted
from xxhash import xxh3_128, xxh3_128_digest

from fourfold.core.parameters import Parameters
from fourfold.core.serialization import to_plain
from fourfold.data.rows import KEY, Rows, SparseRows, check_finite
from fourfold.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys

__all__ = ["AsIs", "BlockPreparation", "Preparation", "PreparedRows"]

FORMAT = 1
"""The version of the files that ``save`` writes."""


class Preparation(Parameters, ABC):
    """Turns rows as a user brings them into rows of numbers, the same way for every domain.

    Attributes
    ----------
    shape_
        The shape of one prepared row.
    """

    @final
    def fit(self, *rows: Rows) -> Self:
        """Learn from the inputs of one or more domains; labels are not seen.

        Parameters
        ----------
        rows
            The inputs of each domain, all of one kind and shape.

        Raises
        ------
        DataError
            If there are none, they don't go together, or cannot be prepared this way.
        """
        self.check()
        if not rows:
            raise DataError("a preparation must be fitted on the rows of at least one domain")
        self.shape_: tuple[int, ...] = self._learn(rows)
        return self

    @abstractmethod
    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        """Learn from rows and return the shape of a prepared one."""

    @abstractmethod
    def transform(self, rows: Rows, who: str = "") -> Rows:
        """Prepare rows; what is read lazily stays so.

        Parameters
        ----------
        rows
            Rows of the kind and shape that ``fit`` saw.
        who
            The class that messages speak of; by default this one.

        Returns
        -------
        (n, *shape_) of float32.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        DataError
            If kind, shape or columns differ, or, at once or when rows are read, if an array holds
            NaN or infinity.
        """

    @abstractmethod
    def check_rows(self, rows: Rows, who: str = "") -> None:
        """Refuse rows that ``transform`` would refuse, now or when they are read.

        Raises
        ------
        DataError
            As ``transform`` does.
        """

    @abstractmethod
    def describe(self) -> str:
        """Say in one line what is done."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return all that was learned and is no array: plain JSON."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """Return what was learned, as arrays by name."""

    @abstractmethod
    def _write(self, folder: Path) -> None:
        """Write what was learned, besides the JSON file."""

    @abstractmethod
    def _read(self, config: dict[str, Any], folder: Path) -> None:
        """Take over what ``config`` returned and ``_write`` wrote, besides the shape."""

    @final
    @classmethod
    def rebuild(cls, about: dict[str, Any], folder: Path) -> Self:
        """Rebuild what ``save`` wrote, given its JSON file's content."""
        made = cls(**about["parameters"])
        made.check()
        made.shape_ = tuple(about["shape"])
        made._read(about["config"], folder)
        return made

    @final
    @property
    def digest(self) -> str:
        """One name for what is done to a row: 32 hex digits.

        Equal for equal parameters and fitted state.
        """
        check_is_fitted(self)
        about = [to_plain(self), self.shape_, self.config()]
        hashed = xxh3_128(json.dumps(about, sort_keys=True).encode())
        for name, array in sorted(self.state().items()):
            hashed.update(f"{name}{array.dtype.str}{array.shape}".encode())
            hashed.update(np.ascontiguousarray(array).tobytes())
        return hashed.hexdigest()

    @final
    def save(self, folder: Path) -> None:
        """Write what was learned into a folder that exists; :func:`load_preparation` reads it."""
        check_is_fitted(self)
        about = {
            "format": FORMAT,
            **to_plain(self),
            "shape": list(self.shape_),
            "config": self.config(),
            "digest": self.digest,
        }
        folder.joinpath("preparation.json").write_text(json.dumps(about, indent=1), "utf-8")
        self._write(folder)


@final
class PreparedRows(Rows):
    """Rows that are prepared block by block when they are read.

    Parameters
    ----------
    rows
        Rows as they are.
    preparation
        What is done to them.
    """

    def __init__(self, rows: Rows, preparation: BlockPreparation) -> None:
        self.rows, self.preparation = rows, preparation

    @property
    def n(self) -> int:
        return self.rows.n

    @property
    def shape(self) -> tuple[int, ...]:
        return self.preparation.shape_

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def take(self, index: Index) -> NDArray[np.float32]:
        return self.preparation.apply(self.rows.take(index))

    def subset(self, index: Index) -> PreparedRows:
        return PreparedRows(self.rows.subset(index), self.preparation)

    def _hash(self) -> Keys:
        salt = self.preparation.digest.encode()
        keys = np.empty(self.n, KEY)
        for i, key in enumerate(self.rows.keys):
            keys[i] = np.void(xxh3_128_digest(key.tobytes() + salt))
        return keys


class BlockPreparation(Preparation, ABC):
    """A preparation of arrays, which can be done to any block of rows.

    Attributes
    ----------
    row_shape_
        The shape of one row as it comes.
    """

    keeps_sparse: ClassVar[bool] = False
    """Whether sparse rows need nothing done, and so stay sparse."""

    @final
    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        self.row_shape_: tuple[int, ...] = check_one_shape(rows, type(self).__name__)
        return self._learn_arrays(rows)

    @abstractmethod
    def _learn_arrays(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        """Learn from rows of one shape and return the shape of a prepared one."""

    @abstractmethod
    def apply(self, block: NDArray[Any]) -> NDArray[np.float32]:
        """Prepare a block: (B, *row_shape_) to (B, *shape_), each row by itself.

        Raises
        ------
        DataError
            If the block holds NaN or infinity.
        """

    @final
    def transform(self, rows: Rows, who: str = "") -> Rows:
        self._check_shape(rows, who)
        if self.keeps_sparse and isinstance(rows, SparseRows):
            check_finite(rows.matrix.data, "the input X")
            return rows
        return PreparedRows(rows, self)

    @final
    def check_rows(self, rows: Rows, who: str = "") -> None:
        self._check_shape(rows, who)
        if isinstance(rows, SparseRows):
            check_finite(rows.matrix.data, "the input X")
        elif rows.dtype.kind == "f":
            for block in rows.blocks():
                check_finite(block, "the input X")

    def _check_shape(self, rows: Rows, who: str) -> None:
        check_is_fitted(self)
        who = who or type(self).__name__
        check_numbers(rows, who)
        if rows.shape != self.row_shape_:
            raise DataError(_other_shape(rows.shape, self.row_shape_, who))


@final
class AsIs(BlockPreparation):
    """Change nothing but the type, which becomes float32: for a network that does the rest.

    Examples
    --------
    >>> from fourfold.data.rows import as_rows
    >>> rows = as_rows([[1, 2], [3, 4]])
    >>> AsIs().fit(rows).transform(rows).sample(2)
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """

    keeps_sparse = True

    def _learn_arrays(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        return rows[0].shape

    def apply(self, block: NDArray[Any]) -> NDArray[np.float32]:
        check_finite(block, "the input X")
        return block.astype(np.float32, copy=False)

    def describe(self) -> str:
        return "inputs as they are"

    def config(self) -> dict[str, Any]:
        return {}

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def _write(self, folder: Path) -> None:
        del folder  # the shape is all there is

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        del config, folder
        self.row_shape_ = self.shape_


def check_numbers(rows: Rows, who: str) -> None:
    """Refuse tables and texts where numbers are needed."""
    if rows.kind == "table":
        raise DataError(f"{who} must be given arrays of numbers; got a table: TablePreparation")
    if rows.kind == "texts":
        raise DataError(
            f"{who} must be given arrays of numbers; got texts: WordCounts or SentenceEncoding"
        )


def check_one_shape(rows: tuple[Rows, ...], who: str) -> tuple[int, ...]:
    """Return the shape that the rows of all domains have.

    Raises
    ------
    DataError
        If there are several shapes, or a table among them.
    """
    for part in rows:
        check_numbers(part, who)
        if part.shape != rows[0].shape:
            raise DataError(
                f"the rows of all domains must have one shape; got {rows[0].shape} and {part.shape}"
                f"{_HINTS.get(part.kind, '')}"
            )
    return rows[0].shape


_HINTS: Final = dict.fromkeys(
    ("pictures", "sounds"),
    ": read them together, read_domains([...]), or read_domain(..., like=...)",
)


def _other_shape(got: tuple[int, ...], want: tuple[int, ...], who: str) -> str:
    if len(got) == len(want) == 1:
        return f"X has {got[0]} features, but {who} is expecting {want[0]} features as input"
    return f"X has rows of shape {got}, but {who} is expecting rows of shape {want} as input"
