"""Preparation: preprocessing of rows, by a transform that is the same for every domain."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, Self, final

import numpy as np
from sklearn.utils.validation import check_is_fitted
from xxhash import xxh3_128

from fourfold.core.parameters import Parameters
from fourfold.core.serialization import to_plain
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.preparation.tables.target_encoding import LabelledRows

__all__ = ["FORMAT", "Preparation"]

FORMAT: Final = 1
"""Version of the files that ``save`` writes."""


class Preparation(Parameters, ABC):
    """A transform of raw rows into rows of numbers, the same for every domain.

    Attributes
    ----------
    shape_
        The shape of one prepared row.
    """

    _hashed = "", ""
    """The digest of the fitted state, once it is asked for, and the parameters beside it."""

    @final
    def fit(self, *rows: Rows, labels: LabelledRows | None = None) -> Self:
        """Fit to the inputs of one or more domains.

        Parameters
        ----------
        rows
            The inputs of each domain, all of one kind and shape.
        labels
            One of the domains, with its labels, for a preparation that ``learns_labels``; those of
            rows that a model is judged on must be missing. Its rows are then prepared by
            :meth:`out_of_fold` where a model learns from them. None without labels.

        Raises
        ------
        DataError
            If there are none, they differ in kind or shape, or do not fit the preparation.
        """
        self.check()
        self._hashed = "", ""
        if not rows:
            raise DataError("a preparation must be fitted on the rows of at least one domain")
        self.shape_: tuple[int, ...] = self._learn(rows)
        if labels is not None and self.learns_labels:
            self.learn_labels(labels)
        return self

    @final
    def learn_labels(self, labels: LabelledRows) -> None:
        """Add features that are learnt from labels, after the rows."""
        self.shape_ = self._learn_labels(labels)
        self._hashed = "", ""

    @abstractmethod
    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        """Fit to rows and return the shape of a prepared one."""

    @property
    def learns_labels(self) -> bool:
        """Whether features are added where labels are given to :meth:`fit`."""
        return False

    def _learn_labels(self, labels: LabelledRows) -> tuple[int, ...]:
        """Learn from labels, after the rows, and return the shape of a prepared row."""
        del labels
        return self.shape_

    def out_of_fold(self, labels: LabelledRows, who: str = "") -> Rows:
        """Prepare the labelled rows of :meth:`fit`, no row by its own label; lazy rows stay lazy.

        ``who`` and errors are those of :meth:`transform`.
        """
        return self.transform(labels.rows, who)

    @property
    def feature_columns(self) -> Sequence[Any] | None:
        """Column of the user's rows behind each feature; None where rows have no columns."""
        return None

    def notes(self) -> list[str]:
        """List the losses of the fitted rows, a sentence each."""
        return []

    def beside_export(self) -> dict[str, str]:
        """Return texts to be written beside an exported model, by the ends of their names."""
        return {}

    def example(self, n: int) -> NDArray[Any]:
        """Draw n rows like those from which an exported model starts: prepared ones."""
        return np.random.default_rng(0).standard_normal((n, *self.shape_), np.float32)

    @abstractmethod
    def transform(self, rows: Rows, who: str = "") -> Rows:
        """Prepare rows; lazy rows stay lazy.

        Parameters
        ----------
        rows
            Rows of the same kind and shape as in ``fit``.
        who
            Class name in error messages; by default this class.

        Returns
        -------
        (n, *shape_) of float32, or of int32 for tokens.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        DataError
            If kind, shape or columns differ; also when rows are read, if an array holds NaN or
            infinity.
        """

    @abstractmethod
    def check_rows(self, rows: Rows, who: str = "") -> None:
        """Refuse rows that ``transform`` refuses, at once or when they are read.

        Raises
        ------
        DataError
            As ``transform`` does.
        """

    @abstractmethod
    def describe(self) -> str:
        """Describe the transform in one line."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return the fitted state without arrays, as JSON."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """Return the fitted arrays by name."""

    @abstractmethod
    def _write(self, folder: Path) -> None:
        """Write the fitted arrays."""

    @abstractmethod
    def _read(self, config: dict[str, Any], folder: Path) -> None:
        """Restore the fitted state from :meth:`config` and the files of :meth:`_write`."""

    @final
    @classmethod
    def rebuild(cls, about: dict[str, Any], folder: Path) -> Self:
        """Rebuild a saved preparation from the content of its JSON file and its folder."""
        made = cls(**about["parameters"])
        made.check()
        made.shape_ = tuple(about["shape"])
        made._read(about["config"], folder)
        return made

    @final
    @property
    def digest(self) -> str:
        """Hash of the parameters and the fitted state: 32 hex digits."""
        check_is_fitted(self)
        parameters = repr(to_plain(self))
        known, of = self._hashed
        if of != parameters:
            about = [to_plain(self), self.shape_, self.config()]
            hashed = xxh3_128(json.dumps(about, sort_keys=True).encode())
            for name, array in sorted(self.state().items()):
                hashed.update(f"{name}{array.dtype.str}{array.shape}".encode())
                hashed.update(np.ascontiguousarray(array).tobytes())
            known = hashed.hexdigest()
            self._hashed = known, parameters
        return known

    @final
    def save(self, folder: Path) -> None:
        """Write the fitted preparation into an existing folder, for :func:`load_preparation`."""
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
