"""Word vectors in text, a word a line: parsed by Arrow, and what is wrong told by its line."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final, final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from fourfold.errors import DataError
from fourfold.readers.tables import DAMAGED, not_gzip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Block = tuple[list[str], NDArray[np.float32]]

__all__ = ["read_blocks"]

BLOCK_BYTES: Final = 1 << 23
MOST_SHOWN: Final = 40
MOST_DIGITS: Final = 15
LARGEST: Final = float(np.finfo(np.float32).max)


def read_blocks(path: Path) -> Iterator[Block]:
    """Read words and their vectors, some thousands at a time.

    A line is a word and its numbers, with blanks or tabs between; a first line of two whole numbers
    says how many words and numbers there are. Words with blanks in them, as some GloVe files have,
    come last.

    Yields
    ------
    words
        k of them.
    vectors
        (k, d) float32.

    Raises
    ------
    DataError
        If a line has another number of numbers, or something else in their place, or is not UTF-8;
        if there is no line, or fewer than the first says.
    """
    form = _Form.of(path)
    n, odd = 0, _OddLines(form)
    try:
        with _whole(path) as stream, _arrow(stream, form, odd) as reader:
            for batch in reader:
                words, *columns = batch.columns
                vectors = np.stack([column.to_numpy() for column in columns], axis=1)
                if not np.isfinite(vectors).all():
                    raise _what_is_wrong(path, form, "a number that is not finite")
                n += len(vectors)
                yield words.to_pylist(), vectors
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise _what_is_wrong(path, form, str(error)) from error
    except (OSError, *DAMAGED) as error:
        if not path.name.lower().endswith(".gz"):
            raise
        raise not_gzip(error) from error
    if odd.words:
        n += len(odd.words)
        yield odd.words, np.array(odd.vectors, np.float32)
    if form.announced not in {None, n}:
        raise DataError(
            f"the file must hold {form.announced} words, as its first line says; got {n}"
        )


@final
@dataclass(frozen=True)
class _Form:
    """How lines look.

    Attributes
    ----------
    delimiter, trailing
        What stands between a word and its numbers, and whether it also ends a line.
    width
        How many numbers there are.
    announced
        How many words the first line says there are; None if it is a word's.
    """

    delimiter: str
    trailing: bool
    width: int
    announced: int | None

    @classmethod
    def of(cls, path: Path) -> _Form:
        """Look at the first lines."""
        lines = _lines(path)
        number, first = next(lines, (1, ""))
        said = first.split()
        announced = len(said) == 2 and all(part.isdecimal() for part in said)
        if announced and max(map(len, said)) > MOST_DIGITS:
            raise DataError(
                f"line 1 must say how many words and numbers there are, each in at most "
                f"{MOST_DIGITS} digits; got {_shown(first)}"
            )
        if announced:
            number, first = next(lines, (2, ""))
        delimiter = "\t" if "\t" in first else " "
        width = int(said[1]) if announced else len(first.strip().split(delimiter)) - 1
        form = cls(
            delimiter=delimiter,
            trailing=first.endswith(delimiter),
            width=width,
            announced=int(said[0]) if announced else None,
        )
        if width < 1 or not first.strip():
            raise DataError(f"line {number} must be a word and its numbers; got {_shown(first)}")
        if fault := form.fault(first):
            raise DataError(f"line {number} must {fault}")
        return form

    def split(self, line: str) -> tuple[str, list[str]] | None:
        """Part a line into its word and as many cells as there are numbers, if it can be."""
        word, *cells = line.strip(f" {self.delimiter}").rsplit(self.delimiter, self.width)
        glued = any(_number(part) is not None for part in word.split(self.delimiter)[1:])
        return None if len(cells) < self.width or glued else (word, cells)

    def fault(self, line: str) -> str:
        """Say what a line must be and is not; nothing if all is well."""
        parted = self.split(line)
        if parted is None:
            found = len(line.strip(f" {self.delimiter}").split(self.delimiter)) - 1
            return f"have {self.width} numbers after its word, as the first has; got {found}"
        bad = [cell for cell in parted[1] if not _is_finite(cell)]
        return f"have finite numbers after its word; got {_shown(bad[0])}" if bad else ""


@final
@dataclass
class _OddLines:
    """Lines that Arrow sees more or fewer cells in: those whose word has blanks are read here."""

    form: _Form
    words: list[str] = field(default_factory=list)
    vectors: list[list[float]] = field(default_factory=list)

    def __call__(self, row: pa_csv.InvalidRow) -> str:
        parted = None if self.form.fault(row.text) else self.form.split(row.text)
        if parted is None:
            return "error"
        self.words.append(parted[0])
        self.vectors.append([float(cell) for cell in parted[1]])
        return "skip"


def _arrow(stream: pa.NativeFile, form: _Form, odd: _OddLines) -> pa_csv.CSVStreamingReader:
    numbers = [str(i) for i in range(form.width)]
    return pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(
            column_names=["word", *numbers, *(["rest"] if form.trailing else [])],
            skip_rows=0 if form.announced is None else 1,
            block_size=BLOCK_BYTES,
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=form.delimiter,
            quote_char=False,  # quotes are words
            double_quote=False,
            invalid_row_handler=odd,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types={"word": pa.string(), **dict.fromkeys(numbers, pa.float32())},
            include_columns=["word", *numbers],
            null_values=[],  # so are nan and null
            strings_can_be_null=False,
        ),
    )


@contextmanager
def _whole(path: Path) -> Iterator[pa.NativeFile]:
    packed = "gzip" if path.name.lower().endswith(".gz") else None
    with pa.input_stream(str(path), compression=packed) as stream:
        yield stream


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")
    return path.open("rb")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Read line by line, with numbers from 1.

    Raises
    ------
    DataError
        If one is not UTF-8, or the file is damaged.
    """
    try:
        with _open(path) as file:
            for number, line in enumerate(file, 1):
                yield number, _decoded(line, number).rstrip("\r\n")
    except DAMAGED as error:
        raise not_gzip(error) from error


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"line {number} must be UTF-8; got byte 0x{line[error.start]:02x} at its place "
            f"{error.start + 1}: save the vectors as text in UTF-8"
        ) from error


def _what_is_wrong(path: Path, form: _Form, said: str) -> DataError:
    """Find the line in which what Arrow refused stands."""
    lines = _lines(path)
    if form.announced is not None:
        next(lines, None)
    try:
        for number, line in lines:
            if line and (fault := form.fault(line)):
                return DataError(f"line {number} must {fault}")
    except DataError as error:
        return error
    return DataError(f"the file must be words and their numbers; got: {said}")


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _is_finite(cell: str) -> bool:
    number = _number(cell)
    return number is not None and abs(number) <= LARGEST  # which NaN is not either


def _shown(text: str) -> str:
    text = text.strip()
    if not text:
        return "nothing"
    return repr(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…")
