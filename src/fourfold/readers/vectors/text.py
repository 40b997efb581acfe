"""Text with one word vector in each line, parsed by Arrow; errors name the line."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from fourfold.errors import DataError
from fourfold.readers.columns import check_count
from fourfold.readers.files import bounded_lines, decoding, is_gzipped, not_gzip, open_bytes, reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Block = tuple[list[str], NDArray[np.float32]]

__all__ = ["read_blocks"]

BLOCK_BYTES: Final = 1 << 21
MOST_SHOWN: Final = 40
MOST_DIGITS: Final = 15
LARGEST: Final = float(np.finfo(np.float32).max)


def read_blocks(path: Path) -> Iterator[Block]:
    """Read words and their vectors, thousands at a time.

    A line is a word and its numbers, separated by blanks or tabs. A first line of two whole numbers
    gives the counts of words and of numbers. Words with blanks in them, as in some GloVe files,
    come last. A block is k words and their vectors (k, d).

    Raises
    ------
    DataError
        If a line has too few or too many numbers, holds something else, or is not UTF-8; if there
        is no line, or not as many as the first line says.
    """
    layout = _Layout.of(path)
    n, odd = 0, _OddLines(layout)
    try:
        packing = "gzip" if is_gzipped(path) else None
        with (
            pa.input_stream(str(path), compression=packing) as stream,
            _arrow(_Utf8(stream), layout, odd) as reader,
        ):
            for batch in reader:
                words, *columns = batch.columns
                vectors = np.stack([column.to_numpy() for column in columns], axis=1)
                if not np.isfinite(vectors).all():
                    raise _error(path, layout, "a number that is not finite")
                n += len(vectors)
                yield words.to_pylist(), vectors
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise _error(path, layout, reason(error)) from error
    except OSError as error:
        if not is_gzipped(path):
            raise
        raise not_gzip(error) from error
    if odd.words:
        n += len(odd.words)
        yield odd.words, np.array(odd.vectors, np.float32)
    if layout.announced not in {None, n}:
        raise DataError(
            f"the file must hold {layout.announced} words, as its first line says; got {n}"
        )


@final
@dataclass(frozen=True)
class _Layout:
    """Layout of the lines."""

    delimiter: str
    """Character between a word and its numbers."""
    trailing: bool
    """Whether it also ends a line."""
    width: int
    """Count of numbers in a line."""
    announced: int | None
    """Count of words in the first line; None if that line is a word vector."""

    @classmethod
    def of(cls, path: Path) -> _Layout:
        """Detect the layout from the first lines."""
        lines = _lines(path)
        number, first = next(lines, (1, ""))
        counts = first.split()
        announced = len(counts) == 2 and all(part.isdecimal() for part in counts)
        if announced and max(map(len, counts)) > MOST_DIGITS:
            raise DataError(
                f"line 1 must give the counts of words and of numbers, each in at most "
                f"{MOST_DIGITS} digits; got {_shown(first)}"
            )
        if announced:
            number, first = next(lines, (2, ""))
        delimiter = "\t" if "\t" in first else " "
        width = int(counts[1]) if announced else len(first.strip().split(delimiter)) - 1
        known = int(counts[0]) if announced else None
        layout = cls(delimiter, first.endswith(delimiter), width, known)
        if width < 1 or not first.strip():
            raise DataError(f"line {number} must be a word and its numbers; got {_shown(first)}")
        if fault := layout.fault(first):
            raise DataError(f"line {number} must {fault}")
        check_count(width)
        return layout

    def split(self, line: str) -> tuple[str, list[str]] | None:
        """Split a line into its word and the cells of its numbers; None if it has another count."""
        word, *cells = line.strip(f" {self.delimiter}").rsplit(self.delimiter, self.width)
        glued = any(_number(part) is not None for part in word.split(self.delimiter)[1:])
        return None if len(cells) < self.width or glued else (word, cells)

    def fault(self, line: str) -> str:
        """Return the requirement that a line breaks; empty for a valid line."""
        parts = self.split(line)
        if parts is None:
            found = len(line.strip(f" {self.delimiter}").split(self.delimiter)) - 1
            return f"have {self.width} numbers after its word, as the first has; got {found}"
        bad = [cell for cell in parts[1] if not _is_finite(cell)]
        return f"have finite numbers after its word; got {_shown(bad[0])}" if bad else ""


@final
@dataclass
class _OddLines:
    """Lines with another count of cells: words with blanks are parsed here, others are errors."""

    layout: _Layout
    words: list[str] = field(default_factory=list)
    vectors: list[list[float]] = field(default_factory=list)

    def __call__(self, row: pa_csv.InvalidRow) -> str:
        parts = None if self.layout.fault(row.text) else self.layout.split(row.text)
        if parts is None:
            return "error"
        self.words.append(parts[0])
        self.vectors.append([float(cell) for cell in parts[1]])
        return "skip"


@final
class _Utf8:
    """A stream that is checked to be UTF-8, which Arrow does not do before it shows odd lines."""

    closed = False

    def __init__(self, stream: pa.NativeFile) -> None:
        self.stream, self.decoder = stream, codecs.getincrementaldecoder("utf-8")()

    def read(self, n: int) -> bytes:
        content: bytes = self.stream.read(n)
        self.decoder.decode(content, final=not content)
        return content


def _arrow(stream: _Utf8, layout: _Layout, odd: _OddLines) -> pa_csv.CSVStreamingReader:
    numbers = [str(i) for i in range(layout.width)]
    return pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(
            column_names=["word", *numbers, *(["rest"] if layout.trailing else [])],
            skip_rows=0 if layout.announced is None else 1,
            block_size=BLOCK_BYTES,
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char=False,  # quotation marks are words
            double_quote=False,
            invalid_row_handler=odd,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types={"word": pa.string(), **dict.fromkeys(numbers, pa.float32())},
            include_columns=["word", *numbers],
            null_values=[],  # nan and null are words
            strings_can_be_null=False,
        ),
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Read the lines of a file with their numbers, from 1."""
    with decoding(), open_bytes(path) as file:
        for number, line in enumerate(bounded_lines(file), 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"line {number} must be UTF-8: save the vectors as UTF-8; got byte "
                    f"0x{line[error.start]:02x} at position {error.start}"
                ) from error
            yield number, text.rstrip("\r\n")


def _error(path: Path, layout: _Layout, cause: str) -> DataError:
    """Return the error for the first bad line of a file that Arrow refused."""
    lines = _lines(path)
    if layout.announced is not None:
        next(lines, None)
    try:
        for number, line in lines:
            if line and (fault := layout.fault(line)):
                return DataError(f"line {number} must {fault}")
    except DataError as error:
        return error
    return DataError(f"the file must be words and their numbers; got: {cause}")


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _is_finite(cell: str) -> bool:
    number = _number(cell)
    return number is not None and abs(number) <= LARGEST  # False for NaN


def _shown(text: str) -> str:
    text = text.strip()
    if not text:
        return "nothing"
    return repr(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…")
