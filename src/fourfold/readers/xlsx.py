"""Tables in Excel's files: the cells of the first sheet, read by openpyxl."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from contextlib import closing
from itertools import zip_longest
from typing import IO, TYPE_CHECKING, Any, Final, cast, final
from xml.parsers import expat
from zipfile import ZipFile

import pyarrow as pa
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils import get_column_letter

from fourfold.core.memory import check_fits, memory_limit
from fourfold.errors import DataError, counted, one_line, some
from fourfold.readers.arrays import check_member
from fourfold.readers.columns import check_count

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path
    from zipfile import ZipInfo

__all__ = ["read_xlsx"]

MOST_ROWS: Final = 1 << 20
"""Rows of a sheet in Excel; rows with a higher number are not read."""
WHOLE_BYTES: Final = 200
"""Bytes that openpyxl takes for a byte of XML that it parses at once, such as styles."""
TEXT_BYTES: Final = 16
"""Bytes for a byte of the texts that all sheets share."""
CELL_BYTES: Final = 100
"""Bytes for a cell, in Python and in Arrow."""
BLOCK: Final = 1 << 16
"""Bytes that are looked at once."""
ENDS: Final = re.compile(rb"</(?:\w{1,8}:)?(?:row|si)>")
"""The end of a row, or of a text."""
HIDES: Final = re.compile(rb"<!|<\?(?!xml )")
"""Begin of a comment and the like, in which an end would be none."""
TAIL: Final = 20
"""Bytes of a block that are looked at with the next, too."""
ERRORS: Final = frozenset(
    {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!"}
)
"""Texts in place of a formula's value; they are read as missing."""


def read_xlsx(path: Path) -> tuple[pa.Table, list[str]]:
    """Read the first sheet, and the names of others; its first row that is not blank is the header.

    Blank rows are left out. Formulas are read as the values that were saved with them, and errors
    as missing. Cells of a column are numbers, booleans, moments (dates), times of day in seconds,
    or texts; a column of several kinds is texts.

    Raises
    ------
    DataError
        If the file holds no table, a column has no name, as under merged cells, a row has more
        cells than the header, or the table takes more memory than reading may.
    """
    with warnings.catch_warnings(), _Bounded(path) as archive:
        warnings.simplefilter("ignore")  # of parts beside the cells, such as extensions
        sheets = _sheets(archive, path)
        first, *others = (one_line(sheet.title, 40) for sheet in sheets)
        try:
            with closing(_rows(sheets[0])) as rows:
                return _table(rows), others
        except DataError as error:
            if not others:
                raise
            said = f"the first sheet, {first!r}, is read; others are {some(map(repr, others), 3)}"
            raise DataError(f"{error}; {said}: move the one with the table to the front") from error


def _table(rows: Iterator[tuple[int, list[Any]]]) -> pa.Table:
    header = next(rows, None)
    if header is None:
        raise DataError("the first sheet must hold a header and at least one row; it is empty")
    names = _names(header[1])
    check_count(len(names))
    columns: list[list[Any]] = [[] for _ in names]
    limit = memory_limit()
    for n, (number, row) in enumerate(rows, start=1):
        check_fits(CELL_BYTES * n * len(names), "the table, unpacked,", limit)
        if len(row) > len(names):
            raise DataError(
                f"row {number} must have at most {counted(len(names), 'cell')}, as the header has; "
                f"got {len(row)}: the header must be one row with a name for each column"
            )
        for cells, cell in zip_longest(columns, row):
            cells.append(cell)
    if not columns[0]:
        raise DataError("a table must have at least one row; got none")
    return pa.Table.from_arrays([_column(cells) for cells in columns], names=names)


def _sheets(archive: _Bounded, path: Path) -> list[Any]:
    """Open the sheets of cells."""
    reader = ExcelReader(path, read_only=True, data_only=True, keep_links=False)
    reader.archive.close()
    reader.archive = archive
    try:
        reader.read()
    except ValueError as error:  # openpyxl wraps ours
        raise error.__cause__ if isinstance(error.__cause__, DataError) else error from error
    if not reader.wb.worksheets:
        raise DataError("the file must have a sheet of cells; got none")
    return list(reader.wb.worksheets)


def _rows(sheet: Any) -> Generator[tuple[int, list[Any]], None, None]:
    """Yield the numbers of the rows of a sheet, with their cells up to the last."""
    sheet.reset_dimensions()  # what the file says of them
    with closing(sheet.iter_rows(max_row=MOST_ROWS, values_only=True)) as rows:
        for number, row in enumerate(rows, start=1):
            cells = [None if cell == "" or cell in ERRORS else cell for cell in row]
            while cells and cells[-1] is None:
                cells.pop()
            if cells:
                yield number, cells


def _names(header: Sequence[Any]) -> list[str]:
    """Return the names of the columns; the first may be empty, as that of an index."""
    names = ["" if cell is None else _text(cell) for cell in header]
    for at, name in enumerate(names[1:], start=2):
        if not name:
            raise DataError(
                f"the header must name each column; got none in column {get_column_letter(at)}: "
                "write one name a cell, and split merged cells"
            )
    return names


def _column(cells: list[Any]) -> pa.Array:
    """Make a column of cells of one kind, or of their texts."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int, float}:
        whole = float not in kinds and all(abs(cell or 0) < 2**63 for cell in cells)
        numbers = cells if whole else [None if cell is None else float(cell) for cell in cells]
        return pa.array(numbers, pa.int64() if whole and kinds else pa.float64())
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds <= {dt.datetime, dt.date}:
        return pa.array([_moment(cell) for cell in cells], pa.timestamp("us"))
    if kinds <= {dt.time, dt.timedelta}:
        return pa.array([_seconds(cell) for cell in cells], pa.float64())
    return pa.array([None if cell is None else _text(cell) for cell in cells], pa.string())


def _moment(cell: dt.date | None) -> dt.datetime | None:
    if cell is None or isinstance(cell, dt.datetime):
        return cell
    return dt.datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001  sheets know no zones


def _seconds(cell: dt.time | dt.timedelta | None) -> float | None:
    if cell is None or isinstance(cell, dt.timedelta):
        return None if cell is None else cell.total_seconds()
    return 3600 * cell.hour + 60 * cell.minute + cell.second + cell.microsecond / 1e6


def _text(cell: Any) -> str:
    """Write a cell as it is seen."""
    if isinstance(cell, dt.datetime):
        midnight = cell.time() == dt.time.min
        return (cell.date() if midnight else cell).isoformat()
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)


@final
class _Bounded(ZipFile):
    """A zip file whose parts are compared with the memory that reading may take."""

    def read(self, name: Any, pwd: bytes | None = None) -> bytes:
        size = self.getinfo(name).file_size
        check_fits(WHOLE_BYTES * size, f"the part {one_line(name, 60)} of the file, parsed,")
        with self.open(name, pwd=pwd) as file:
            return file.read()

    def open(self, name: Any, mode: Any = "r", pwd: Any = None, **given: Any) -> IO[bytes]:
        member = self.getinfo(name)
        check_member(member)
        _check_begin(super().open(name, mode, pwd, **given))
        return cast("IO[bytes]", _Counted(super().open(name, mode, pwd, **given), member))


def _check_begin(file: IO[bytes]) -> None:
    """Refuse declarations of entities, which may stand for very long texts, before the content."""
    parser, begun = expat.ParserCreate(), []

    def refuse(*_: Any) -> None:
        raise DataError("the file must declare no types of documents; got some: save it again")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda *_: begun.append(True)
    with file:
        while not begun and (block := file.read(BLOCK)):
            parser.Parse(block)


@final
class _Counted:
    """A part of the file that is counted while it is parsed: its texts, and its longest row."""

    def __init__(self, file: IO[bytes], member: ZipInfo) -> None:
        self.file, self.whole, self.limit = file, member.file_size, memory_limit()
        self.shared = "strings" in member.filename.lower()
        self.size = self.open_since = 0
        self.before = b"\n" * TAIL

    def read(self, n: int = -1) -> bytes:
        if n < 0:
            check_fits(WHOLE_BYTES * self.whole, "the sheet, unpacked,", self.limit)
        block = self.file.read(n)
        self.size += len(block)
        self.open_since += len(block)
        seen = self.before + block
        if not HIDES.search(seen):
            ends = [end.end() for end in ENDS.finditer(seen)]
            self.open_since = len(seen) - ends[-1] if ends else self.open_since
        self.before = seen[-TAIL:]
        needed = WHOLE_BYTES * self.open_since + (TEXT_BYTES * self.size if self.shared else 0)
        check_fits(needed, "the sheet, unpacked,", self.limit)
        return block

    def close(self) -> None:
        self.file.close()

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
