"""Folders laid out as LJSpeech: ``metadata.csv`` without a header, ``id|text|normalized text``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import pyarrow as pa

from fourfold.core.memory import check_fits
from fourfold.data.schema import Pile
from fourfold.data.schema.cells import as_cells
from fourfold.errors import DataError, some
from fourfold.readers.content import check_content
from fourfold.readers.files import file_size, short
from fourfold.readers.media.failures import check_there

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["LjSpeech", "read_ljspeech"]

FOLDER: Final = "wavs"
"""Folder of the sounds, beside the list."""


@final
class LjSpeech(NamedTuple):
    """Columns beside the sounds, their files, and their names."""

    pile: Pile
    files: list[Path]
    names: NDArray[Any]


def read_ljspeech(table: Path) -> LjSpeech | None:
    """Read a list of sounds in ``wavs/``, the normalized text as transcripts; None for another one.

    Raises
    ------
    DataError
        If lines have not two or three parts, or sounds are missing.
    """
    folder = table.parent / FOLDER
    if table.suffix != ".csv" or not folder.is_dir():
        return None
    check_content(table)
    check_fits(file_size(table), "the list of sounds")
    lines = [line for line in table.read_text("utf-8").splitlines() if line.strip()]
    parts = [line.split("|") for line in lines]
    if not parts or len(parts[0]) not in {2, 3} or "file_name" in parts[0]:
        return None
    odd = [str(at) for at, part in enumerate(parts, 1) if len(part) != len(parts[0])]
    if odd:
        raise DataError(
            f"each line must have {len(parts[0])} parts, id|text|normalized text; others are "
            f"{some(odd)}"
        )
    files = [folder / f"{part[0]}.wav" for part in parts]
    check_there(files, "the list")
    texts = pa.chunked_array([pa.array([part[-1] for part in parts], pa.string())])
    names = np.array([f"{FOLDER}/{file.name}" for file in files], object)
    columns = {"transcription": as_cells(texts, "transcription")}
    return LjSpeech(Pile(short(table.name), columns, 1), files, names)
