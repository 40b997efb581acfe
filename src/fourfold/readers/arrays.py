"""Arrays in NumPy files; ``.npy`` files stay on disk."""

from __future__ import annotations

from math import prod
from typing import IO, TYPE_CHECKING, Any, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np

from fourfold.core.memory import check_fits
from fourfold.data.rows import ArrayRows, as_rows
from fourfold.errors import DataError, one_line
from fourfold.readers.files import file_size

if TYPE_CHECKING:
    from pathlib import Path
    from zipfile import ZipInfo

    from numpy.typing import NDArray

    from fourfold.data.rows import Layout, Rows

__all__ = ["check_member", "map_array", "read_arrays"]


def read_arrays(path: Path, layout: Layout = "auto") -> tuple[Rows, NDArray[Any] | None]:
    """Read inputs and labels, if there are any.

    A ``.npy`` file of inputs (N, ...) is memory-mapped; an ``.npz`` file holds ``X`` (N, ...)
    and optionally ``y``, (N,) or (N, m). Of the inputs a layout may be known, as
    :class:`~fourfold.preparation.standardize.Standardize` names it.

    Raises
    ------
    DataError
        If the file lacks ``X``, holds Python objects, has no rows, or needs more memory than
        reading may take.
    """
    if path.suffix.lower() == ".npy":
        return _rows(map_array(path), layout), None
    with ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if "X" not in names:
            raise DataError(f"an .npz file must hold X; got {', '.join(names) or 'nothing'}")
        return _rows(_member(archive, "X"), layout), _member(archive, "y") if "y" in names else None


def _rows(array: NDArray[Any], layout: Layout) -> Rows:
    rows = as_rows(array)
    return ArrayRows(rows.array, layout=layout) if isinstance(rows, ArrayRows) else rows


def map_array(path: Path) -> NDArray[Any]:
    """Memory-map the array in a ``.npy`` file.

    Raises
    ------
    DataError
        If it holds Python objects, or is shorter than its header says.
    """
    with path.open("rb") as file:
        declared = _declared_bytes(file) + file.tell()
    if declared > file_size(path):
        raise DataError(
            f"the file must be undamaged; got {file_size(path)} bytes, its header says {declared}"
        )
    return cast("NDArray[Any]", np.load(path, mmap_mode="r", allow_pickle=False))


def _member(archive: ZipFile, name: str) -> NDArray[Any]:
    member = archive.getinfo(f"{name}.npy")
    check_member(member)
    with archive.open(member) as file:
        declared = _declared_bytes(file)
        found = member.file_size - file.tell()
    if declared != found:
        raise DataError(f"{name} must be undamaged; got {found} bytes, its header says {declared}")
    check_fits(declared, f"the array {name}")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def check_member(member: ZipInfo) -> None:
    """Refuse a member of a zip file that is not plain or deflated, or is encrypted.

    Other compressions, which none of our files have, allocate sizes that only they declare.

    Raises
    ------
    DataError
        If it is.
    """
    if member.compress_type not in {ZIP_STORED, ZIP_DEFLATED} or member.flag_bits & 1:
        raise DataError(
            f"{one_line(member.filename, 60)} must be stored or deflated, not encrypted; got "
            f"compression {member.compress_type}: save it again"
        )


def _declared_bytes(file: IO[bytes]) -> int:
    """Read the header of an array, and return the bytes that should follow."""
    version = np.lib.format.read_magic(file)
    if version not in {(1, 0), (2, 0)}:  # 3.0 is for names of fields
        raise DataError(f"an array must be of plain numbers; got format {version}")
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, kind = read(file)
    if kind.hasobject:
        raise DataError(
            "the file must hold plain arrays; got Python objects: save numbers with np.save or "
            "np.savez"
        )
    return prod(shape) * kind.itemsize
