"""Lookup of words, and of names made of words, among vectors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, final

import numpy as np

from fourfold.errors import DataError, FourfoldWarning, ParameterError, some
from fourfold.frozen.store import active
from fourfold.readers.arrays import map_array
from fourfold.readers.files import file_size, named
from fourfold.readers.vectors.loading import text_of_vectors, words_of_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from fourfold.frozen.store import Store

    Vectors = NDArray[np.float32]

__all__ = ["WordVectors"]

SEPARATOR: Final = re.compile(r"[\s_\-]+")
"""Characters between the words of a name."""


@final
class WordVectors:
    """Vectors of words and of names made of words; missing words are listed, never guessed.

    A name is looked up unchanged, then with ``_``, ``-`` or a blank between its words, then in
    lower case. If none of these is found, its vector is the mean of the vectors of its words.

    Parameters
    ----------
    words
        n words; of a repeated word the first counts.
    vectors
        (n, d) real numbers; a memory map is read row by row.

    Raises
    ------
    DataError
        If the numbers of words and vectors differ, or the vectors are not a matrix of real numbers.

    Examples
    --------
    >>> vectors = WordVectors(["fire", "engine", "ice_cream"], [[0, 2], [4, 0], [1, 1]])
    >>> vectors.describe(["fire engine", "ice cream"])
    {'fire engine': array([2., 1.], dtype=float32), 'ice cream': array([1., 1.], dtype=float32)}
    >>> vectors.missing(["fire fighter"])
    {'fire fighter': ['fighter']}
    """

    def __init__(self, words: Iterable[str], vectors: ArrayLike) -> None:
        self.words = list(words)
        self._vectors: NDArray[Any] = np.asarray(vectors)
        if self._vectors.ndim != 2 or self._vectors.dtype.kind not in "fiu":
            raise DataError(
                "word vectors must be real numbers (n, d); got "
                f"{self._vectors.dtype} of shape {self._vectors.shape}"
            )
        if len(self.words) != len(self._vectors):
            raise DataError(
                f"there must be a word for each of {len(self._vectors)} vectors; got "
                f"{len(self.words)} words"
            )
        self._positions = dict(zip(reversed(self.words), range(len(self) - 1, -1, -1), strict=True))

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        words: Path | str | None = None,
        column: str | None = None,
        store: Store | None = None,
    ) -> Self:
        """Open a file.

        Parameters
        ----------
        path
            Text with a word and its numbers in each line, as GloVe and word2vec write it, with or
            without a first line of counts (``.txt`` or ``.vec``, also ``.gz``); or an array
            (``.npy``), which stays on disk.
        words
            Words of an array: text with one word in each line, or a table (``.parquet`` or
            ``.csv``); by default the file beside the array with the same name and one of these
            endings.
        column
            Column of the words in such a table; by default its only one.
        store
            Store that keeps parsed text as an array, to be memory-mapped from then on; by default
            the one in use. Without a store, text is read into memory.

        Raises
        ------
        FileError
            If a file is missing or unreadable.
        DataError
            If it is none of these; the message names the file and, for text, the line.
        """
        path = Path(path)
        with named(path):
            file_size(path)
            if not path.name.lower().endswith(".npy"):
                return cls(*text_of_vectors(path, active() if store is None else store))
        listed = words_of_array(path, None if words is None else Path(words), column)
        with named(path):
            return cls(listed, map_array(path))

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._positions

    def __getitem__(self, word: str) -> Vectors:
        """Return the vector (d,) of a word in this spelling.

        Raises
        ------
        KeyError
            If there is none.
        """
        vector: Vectors = self._means([[self._positions[word]]])[0]
        return vector

    def __repr__(self) -> str:
        return f"<WordVectors: {len(self)} words, {self.width} numbers each>"

    @property
    def width(self) -> int:
        """Length of a vector, d."""
        return int(self._vectors.shape[1])

    def vectors(self, names: Iterable[Any]) -> Vectors:
        """Look up names of one or several words.

        Returns
        -------
        ndarray
            (k, d).

        Raises
        ------
        DataError
            If a word has no vector; the message lists the names and their missing words.
        """
        wanted = list(names)
        found = [self._find(name) for name in wanted]
        lacking = {
            name: missing for name, (_, missing) in zip(wanted, found, strict=True) if missing
        }
        if lacking:
            raise DataError(
                f"every word of a name must have a vector; got none for {_listed(lacking)}"
            )
        return self._means([positions for positions, _ in found])

    def missing(self, names: Iterable[Any]) -> dict[Any, list[str]]:
        """Return the names with missing words, each with the list of these words."""
        found = ((name, self._find(name)[1]) for name in names)
        return {name: lacking for name, lacking in found if lacking}

    def describe(
        self,
        names: Iterable[Any] | Mapping[Any, str],
        *,
        missing: Literal["refuse", "drop", "partial"] = "refuse",
    ) -> dict[Any, Vectors]:
        """Describe classes by the vectors of their names, for ``Domain(..., classes=...)``.

        Parameters
        ----------
        names
            Names of the classes, as in the labels; or a mapping from names to the words to look up.
        missing
            Treatment of words without a vector: ``"refuse"`` raises an error; ``"drop"`` drops
            their classes; ``"partial"`` averages the other words of a name, and drops classes
            without any. The last two list the affected classes in a warning.

        Returns
        -------
        dict
            Name → vector (d,).

        Raises
        ------
        DataError
            If words are missing under ``"refuse"``, or no class is left.
        ParameterError
            If ``missing`` is none of the three.
        """
        if missing not in {"refuse", "drop", "partial"}:
            raise ParameterError(
                f"missing must be one of 'refuse', 'drop', 'partial'; got {missing!r}"
            )
        texts = names if isinstance(names, Mapping) else {name: name for name in names}
        if missing == "refuse":
            return dict(zip(texts, self.vectors(texts.values()), strict=True))
        found = {name: self._find(text) for name, text in texts.items()}
        lacking = {name: words for name, (_, words) in found.items() if words}
        kept = {
            name: positions
            for name, (positions, words) in found.items()
            if positions and (missing == "partial" or not words)
        }
        if not kept:
            raise DataError(
                f"at least one class must have a vector; got none for {_listed(lacking)}"
            )
        if lacking:
            _warn(lacking, kept)
        return dict(zip(kept, self._means(list(kept.values())), strict=True))

    def _find(self, name: Any) -> tuple[list[int], list[str]]:
        """Return the positions of a name's vectors, one or one per word, and its missing words."""
        text = str(name).strip()
        words = [word for word in SEPARATOR.split(text) if word]
        whole = self._position([text, *(between.join(words) for between in "_- ")])
        if whole is not None:
            return [whole], []
        positions = {word: self._position([word]) for word in words}
        found = [position for word in words if (position := positions[word]) is not None]
        missing = [word for word, position in positions.items() if position is None]
        return found, missing or ([] if found else [text])

    def _position(self, forms: Sequence[str]) -> int | None:
        for form in (*forms, *(form.lower() for form in forms)):
            if form in self._positions:
                return self._positions[form]
        return None

    def _means(self, names: Sequence[Sequence[int]]) -> Vectors:
        """Average the vectors of each name: (k, d)."""
        flat = np.array([position for positions in names for position in positions], np.intp)
        vectors = np.asarray(self._vectors[flat], np.float32)
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise DataError(
                "vectors must be finite; got NaN or infinity for "
                f"{self.words[flat[finite.argmin()]]!r}"
            )
        if len(flat) == len(names):
            return vectors
        ends = np.cumsum([len(positions) for positions in names])
        return np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])])


def _warn(lacking: Mapping[Any, list[str]], kept: Mapping[Any, Any]) -> None:
    """Warn of dropped classes, and of classes with missing words."""
    sentences = [
        f"classes are {how} for lack of vectors: {_listed(classes, most=len(classes))}"
        for how, there in (("left out", False), ("described without their missing words", True))
        if (classes := {name: lacking[name] for name in lacking if (name in kept) == there})
    ]
    warnings.warn("; ".join(sentences), FourfoldWarning, stacklevel=3)


def _listed(lacking: Mapping[Any, list[str]], most: int = 5) -> str:
    listed = (
        repr(name) if words == [str(name)] else f"{name!r} ({', '.join(words)})"
        for name, words in lacking.items()
    )
    return some(listed, most)
