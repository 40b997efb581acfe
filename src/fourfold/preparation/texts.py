"""TextPreparation: the base of all preparations of texts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, final

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fourfold.data.descriptions import Descriptions
from fourfold.data.rows import Rows, TextRows
from fourfold.errors import DataError
from fourfold.preparation.base import Preparation

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MINILM", "TextPreparation", "encode_descriptions"]

MINILM: Final = "all-MiniLM-L6-v2"
"""The default sentence encoder: 384 numbers a text, at most 256 tokens; 91 MB, Apache-2.0."""


class TextPreparation(Preparation, ABC):
    """A preparation of texts, also of texts in a column of a table.

    Attributes
    ----------
    columns_
        The names of the columns that the texts came from, if any.
    """

    @final
    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        self.columns_: list[str] = _columns(rows)
        texts = [self._texts(part) for part in rows]
        self.columns_ = _columns([*rows, *texts])
        return (self._learn_texts(texts),)

    @abstractmethod
    def _learn_texts(self, texts: list[Rows]) -> int:
        """Fit to texts and return the number of features."""

    @abstractmethod
    def _numbers(self, texts: Rows) -> Rows:
        """Prepare rows of kind ``"texts"``."""

    @final
    def transform(self, rows: Rows, who: str = "") -> Rows:
        return self._numbers(self._texts(rows, who))

    @final
    def check_rows(self, rows: Rows, who: str = "") -> None:
        self._texts(rows, who)

    def _texts(self, rows: Rows, who: str = "") -> Rows:
        """Return texts, or the texts of a table's column."""
        check_is_fitted(self)
        who = who or type(self).__name__
        if rows.kind == "texts":
            return rows
        if rows.kind != "table":
            raise DataError(
                f"{who} must be given texts, a list or a column of strings; got rows of kind "
                f"{rows.kind}"
            )
        frame = rows.take(np.arange(rows.n))
        there = [name for name in self.columns_ if name in frame.columns]
        names = there[:1] or list(frame.columns)
        if len(names) != 1:
            wanted = f"the column {self.columns_[0]!r}" if self.columns_ else "one column, of texts"
            raise DataError(
                f"a table for {who} must have {wanted}; got {', '.join(map(str, frame.columns))}"
            )
        return TextRows(frame[names[0]].tolist(), str(names[0]))


def encode_descriptions(
    descriptions: Descriptions, encoder: str, *, download: bool = False
) -> Descriptions:
    """Encode descriptions that are texts; return others unchanged.

    An encoder that is not here is downloaded if that is asked for, as by a fit.

    Raises
    ------
    MissingExtraError, FileError
        If no sentence encoder is installed, or the model is missing.
    """
    if descriptions.texts is None:
        return descriptions
    from fourfold.preparation.sentences import encode_sentences

    vectors = encode_sentences(descriptions.texts, encoder, download=download)
    return Descriptions(descriptions.names, vectors)


def _columns(rows: Sequence[Rows]) -> list[str]:
    """Return the names of the columns that texts came from."""
    names = {part.column for part in rows if isinstance(part, TextRows)}
    return sorted(name for name in names if name is not None)
