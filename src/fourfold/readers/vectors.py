"""Word vectors: what a word means, as numbers, from files of GloVe, word2vec or NumPy."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, final

import numpy as np

from fourfold.errors import DataError, FileError, FourfoldWarning, ParameterError
from fourfold.frozen.store import active

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from fourfold.frozen.store import Store

    Vectors = NDArray[np.float32]

__all__ = ["WordVectors"]

FORMAT: Final = 1
"""Of what the store keeps."""
READ_BYTES: Final = 1 << 22
TEXTS: Final = (".txt", ".vec", ".txt.gz", ".vec.gz")
BESIDE: Final = (".txt", ".parquet", ".csv")
"""Where the words of an array are looked for: in a file of the same name with this ending."""
BETWEEN: Final = re.compile(r"[\s_\-]+")
"""What stands between the words of a name."""
SOME: Final = 5


@final
class WordVectors:
    """Vectors of words, and of names made of them; missing words are listed, never guessed.

    A name is looked up as it is written, then with ``_``, ``-`` or a blank between its words, then
    in small letters; if it is in none of these forms there, its vector is the mean of its words'.

    Parameters
    ----------
    words
        n of them; of one that stands twice the first holds.
    vectors
        (n, d) real numbers, also a memory map, which is read where it is asked.

    Raises
    ------
    DataError
        If there is not a word for each vector, or vectors are no matrix of real numbers.

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
                "vectors of words must be real numbers (n, d); got "
                f"{self._vectors.dtype} of shape {self._vectors.shape}"
            )
        if len(self.words) != len(self._vectors):
            raise DataError(
                f"there must be a word for each of {len(self._vectors)} vectors; got "
                f"{len(self.words)} words"
            )
        self._places = dict(zip(reversed(self.words), range(len(self) - 1, -1, -1), strict=True))

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
            Text with a word and its numbers a line, as GloVe and word2vec write it, with or without
            a first line that says how many (``.txt`` or ``.vec``, also ``.gz``); or an array
            (``.npy``), which stays on disk.
        words
            Of an array: text with a word a line, or a table (``.parquet`` or ``.csv``); by default
            the file of the same name as the array that ends in one of these.
        column
            Of such a table; by default its only one.
        store
            Where text is kept as an array once it has been read, and mapped from then on; by
            default the one in use. Without one, text is read into memory.

        Raises
        ------
        FileError
            If a file is not there or cannot be read.
        DataError
            If it is none of these; the message names the file and, of text, the line.
        """
        path = Path(path)
        try:
            path.stat()
            if path.name.lower().endswith(".npy"):
                named = _beside(path) if words is None else Path(words)
                return cls(_words(named, column), _mapped(path))
            return cls(*_text(path, active() if store is None else store))
        except DataError as error:
            raise error if str(path) in str(error) else DataError(f"{path}: {error}") from error
        except FileError:
            raise
        except FileNotFoundError as error:
            raise FileError(f"{error.filename} must be a file; there is none") from error
        except OSError as error:
            raise FileError(f"{path} must be readable; got: {error}") from error

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._places

    def __getitem__(self, word: str) -> Vectors:
        """Return a word's vector (d,), as the word is written.

        Raises
        ------
        KeyError
            If there is none.
        """
        vector: Vectors = self._means([[self._places[word]]])[0]
        return vector

    def __repr__(self) -> str:
        return f"<WordVectors: {len(self)} words, {self.width} numbers each>"

    @property
    def width(self) -> int:
        """How many numbers a vector has: d."""
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
                f"every word of a class's name must have a vector; got none for {_listed(lacking)}"
            )
        return self._means([places for places, _ in found])

    def missing(self, names: Iterable[Any]) -> dict[Any, list[str]]:
        """List the names that cannot be looked up, each with its words that have no vector."""
        found = ((name, self._find(name)[1]) for name in names)
        return {name: lacking for name, lacking in found if lacking}

    def describe(
        self,
        names: Iterable[Any] | Mapping[Any, str],
        *,
        missing: Literal["refuse", "drop", "partial"] = "refuse",
    ) -> dict[Any, Vectors]:
        """Describe classes by the vectors of their names, as ``Domain(..., classes=...)`` takes it.

        Parameters
        ----------
        names
            Of the classes, as labels are written; or name → the words that are looked up for it.
        missing
            What happens if words have no vector: ``"refuse"`` is an error; ``"drop"`` leaves these
            classes out; ``"partial"`` takes the mean of the words that have one, and leaves out
            classes without any. The last two list what they did in a warning.

        Returns
        -------
        dict
            Name → vector (d,).

        Raises
        ------
        DataError
            If words are missing and that is refused, or no class is left.
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
            name: places
            for name, (places, words) in found.items()
            if places and (missing == "partial" or not words)
        }
        if not kept:
            raise DataError(f"some class must have a vector; got none for {_listed(lacking)}")
        if lacking:
            _warn(lacking, kept)
        return dict(zip(kept, self._means(list(kept.values())), strict=True))

    def _find(self, name: Any) -> tuple[list[int], list[str]]:
        """Return where a name's vectors are, one or one a word, and the words that have none."""
        text = str(name).strip()
        parts = [part for part in BETWEEN.split(text) if part]
        whole = self._place([text, *(between.join(parts) for between in "_- ")])
        if whole is not None:
            return [whole], []
        places = {part: self._place([part]) for part in parts}
        there = [place for part in parts if (place := places[part]) is not None]
        return there, [part for part in places if places[part] is None] or ([] if there else [text])

    def _place(self, forms: Sequence[str]) -> int | None:
        for form in (*forms, *(form.lower() for form in forms)):
            if form in self._places:
                return self._places[form]
        return None

    def _means(self, names: Sequence[Sequence[int]]) -> Vectors:
        """Average the vectors of each name's words: (k, d)."""
        flat = np.array([place for places in names for place in places], np.intp)
        vectors = np.asarray(self._vectors[flat], np.float32)
        fine = np.isfinite(vectors).all(axis=1)
        if not fine.all():
            raise DataError(
                "vectors must be finite; got NaN or infinity for "
                f"{self.words[flat[fine.argmin()]]!r}"
            )
        if len(flat) == len(names):
            return vectors
        ends = np.cumsum([len(places) for places in names])
        return np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])])


def _warn(lacking: Mapping[Any, list[str]], kept: Mapping[Any, Any]) -> None:
    """List what is left out, and what is described by a part of its words."""
    out = {name: words for name, words in lacking.items() if name not in kept}
    part = {name: words for name, words in lacking.items() if name in kept}
    said = [
        f"classes are {what} for want of vectors: {_listed(some, most=len(some))}"
        for some, what in ((out, "left out"), (part, "described by the rest of their words"))
        if some
    ]
    warnings.warn("; ".join(said), FourfoldWarning, stacklevel=3)


def _listed(lacking: Mapping[Any, list[str]], most: int = SOME) -> str:
    named = [
        repr(name) if words == [str(name)] else f"{name!r} ({', '.join(words)})"
        for name, words in list(lacking.items())[:most]
    ]
    more = len(lacking) - most
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _text(path: Path, store: Store | None) -> tuple[list[str], Vectors]:
    """Read text: into memory, or once into a store that it is mapped from."""
    from fourfold.readers.vectortext import read_blocks

    if not path.name.lower().endswith(TEXTS):
        known = ", ".join((*TEXTS, ".npy"))
        raise DataError(f"vectors of words must be in a file that ends in one of {known}")
    if store is None:
        blocks = list(read_blocks(path))
        listed = [word for words, _ in blocks for word in words]
        return listed, np.concatenate([vectors for _, vectors in blocks])

    def build(folder: Path) -> None:
        with (
            (folder / "vectors.f32").open("wb") as numbers,
            (folder / "words.txt").open("w", encoding="utf-8", newline="\n") as names,
        ):
            for words, vectors in read_blocks(path):
                vectors.tofile(numbers)
                names.writelines(f"{word}\n" for word in words)

    folder = store.artifact(f"word vectors {FORMAT} {path.name[-3:]} {_digest(path)}", build)
    listed = _lines(folder / "words.txt")
    flat = np.memmap(folder / "vectors.f32", np.float32, "r")
    return listed, np.asarray(flat).reshape(len(listed), -1)


def _digest(path: Path) -> str:
    """Name a file by its content."""
    from xxhash import xxh3_128

    content = xxh3_128()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            content.update(block)
    return content.hexdigest()


def _mapped(path: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise DataError(f"the file must be an array of numbers, undamaged; got: {error}") from error


def _beside(path: Path) -> Path:
    """Find the words that belong to an array."""
    for ending in BESIDE:
        if (file := path.with_suffix(ending)).is_file():
            return file
    raise DataError(
        f"the words of {path} must be in a file beside it, "
        f"{' or '.join(path.with_suffix(ending).name for ending in BESIDE)}; there is none"
    )


def _words(path: Path, column: str | None) -> list[str]:
    path.stat()  # Arrow does not say which file is not there
    if not path.name.lower().endswith((".parquet", ".csv")):
        return _lines(path)
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    from fourfold.readers.tables import written_column

    try:
        if path.name.lower().endswith(".parquet"):
            name = _column(path, pq.read_schema(path).names, column)
            table = pq.read_table(path, columns=[name])
        else:
            with pa_csv.open_csv(path) as file:
                name = _column(path, file.schema.names, column)
            return written_column(path, name)
    except pa.ArrowException as error:
        raise DataError(f"{path} must be a table of words; got: {error}") from error
    words: list[str] = table.column(name).to_pylist()
    if not all(isinstance(word, str) for word in words):
        raise DataError(f"column {name!r} of {path} must hold words; got {table.schema.types[0]}")
    return words


def _column(path: Path, names: list[str], wanted: str | None) -> str:
    if wanted in names or (wanted is None and len(names) == 1):
        return wanted or names[0]
    raise DataError(
        f"column must name the words of {path}, one of {', '.join(names)}; got {wanted!r}"
    )


def _lines(path: Path) -> list[str]:
    try:
        words = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} must be text in UTF-8; got: {error}") from error
    return words[:-1] if words[-1] == "" else words
