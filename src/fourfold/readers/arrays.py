"""Arrays in NumPy files; ``.npy`` files stay on disk."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from fourfold.data.rows import as_rows
from fourfold.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["read_arrays"]


def read_arrays(path: Path) -> tuple[Rows, NDArray[Any] | None]:
    """Read inputs and labels, if there are any.

    A ``.npy`` file of inputs (N, ...) is memory-mapped; an ``.npz`` file holds ``X`` (N, ...)
    and optionally ``y``, (N,) or (N, m).

    Raises
    ------
    DataError
        If the file is damaged, lacks ``X``, holds Python objects, or has no rows.
    """
    try:
        if path.suffix.lower() == ".npy":
            return as_rows(np.load(path, mmap_mode="r", allow_pickle=False)), None
        X, y = _members(path)
    except DataError:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        if "allow_pickle" in str(error):
            fault = "the file must hold plain arrays; got Python objects, or no array"
        else:
            fault = f"the file must be an undamaged NumPy file; got: {error or 'an empty file'}"
        raise DataError(f"{fault}: save numbers with np.save or np.savez") from error
    return as_rows(X), y


def _members(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    with path.open("rb") as file:  # np.load leaves a damaged file open
        stored = np.load(file, allow_pickle=False)
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise DataError("an .npz file must hold named arrays; got a single one without a name")
        with stored as arrays:
            if "X" not in arrays:
                raise DataError(f"an .npz file must hold X; got {', '.join(arrays) or 'nothing'}")
            return arrays["X"], arrays.get("y")
