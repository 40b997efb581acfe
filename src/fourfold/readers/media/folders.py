"""Folders of pictures, sounds or texts, and single files of them: a row for each file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self, final

import numpy as np

from fourfold.errors import DataError, one_line, some
from fourfold.readers.files import file_size
from fourfold.readers.media import texts
from fourfold.readers.media.decoded import EncodedFiles

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["SOUNDS", "Folder", "is_item", "read_folder", "rows_of"]

SOUNDS: Final = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif")
"""Endings of sounds."""
SPLITS: Final = {
    "to learn from": ("train", "training"),
    "to judge on": ("val", "valid", "validation", "dev", "test", "testing", "eval"),
}
"""Usual names of parts of a data set, in lower case."""


@final
@dataclass(frozen=True)
class Folder:
    """Files below a folder, sorted by path, without hidden files and hidden folders.

    Each sub-folder with everything below it is a class of that name; files outside the sub-folders
    have no label.
    """

    root: Path
    paths: list[Path]
    classes: list[str]

    @classmethod
    def open(cls, root: Path) -> Self:
        """List all files below a folder."""
        paths, classes = [], []
        for path in sorted(root.rglob("*")):
            parts = path.relative_to(root).parts
            if any(part.startswith(".") for part in parts):
                continue
            if not path.is_dir():
                file_size(path)
                paths.append(path)
            elif len(parts) == 1:
                classes.append(path.name)
        return cls(root, paths, classes)

    def ending_in(self, endings: Collection[str]) -> Folder:
        """Keep the files with one of these endings, in lower case with the dot."""
        kept = [path for path in self.paths if path.suffix.lower() in endings]
        return replace(self, paths=kept)

    @property
    def names(self) -> NDArray[Any]:
        """Path of each file below the folder, (n,) of objects."""
        return np.array([path.relative_to(self.root).as_posix() for path in self.paths], object)

    @property
    def labels(self) -> Any:
        """Class of each file or None, (n,) of objects; None if no file has a class.

        Raises
        ------
        DataError
            If a sub-folder has no file, or the sub-folders are parts of a data set, such as
            ``train`` and ``val``.
        """
        labels = first_folders(self.names)
        self._check_splits({label for label in labels if label})
        empty = set(self.classes) - set(labels)
        if empty:
            raise DataError(
                f"each sub-folder is a class and must hold at least one file of it; got none in "
                f"{', '.join(sorted(empty)[:4])}"
            )
        return np.array(labels, object) if any(labels) else None

    def _check_splits(self, classes: Collection[str]) -> None:
        """Refuse parts of a data set in place of classes."""
        found = {
            use: sorted(name for name in classes if name.lower() in names)
            for use, names in SPLITS.items()
        }
        parts = [name for names in found.values() for name in names]
        if not parts or (len(parts) < len(classes) and not all(found.values())):
            return
        root = one_line(self.root, 50)
        ways = [f"{root}/{names[0]} {use}" for use, names in found.items() if names]
        raise DataError(
            f"sub-folders must be classes; got {some(parts)}, which are parts of a data set: give "
            f"{', and '.join(ways)}"
        )


def first_folders(names: Collection[str]) -> list[str | None]:
    """Return the first folder of each relative path, or None where there is none."""
    parts = [name.split("/") for name in names]
    return [first if rest else None for first, *rest in parts]


def read_folder(path: Path, size: tuple[int, int] | None) -> tuple[Rows, Any, NDArray[Any]]:
    """Read the files below a folder: rows, their classes by sub-folder or None, and their names.

    Raises
    ------
    DataError
        If there are none of pictures, sounds and texts, or both pictures and sounds.
    """
    folder = Folder.open(path)
    media = folder.ending_in({*_pictures(), *SOUNDS})
    files = media if media.paths else folder.ending_in(texts.TEXTS)
    if not files.paths:
        raise DataError(
            f"{path} must hold pictures, sounds or texts ({', '.join(texts.TEXTS)}), in "
            "sub-folders or directly; there is none"
        )
    labels = files.labels
    return rows_of(files.paths, size), labels, files.names


def is_item(path: Path, *, texts_too: bool = True) -> bool:
    """Return whether a file is a picture, a sound or a text, by its ending."""
    return path.suffix.lower() in {*_pictures(), *SOUNDS, *(texts.TEXTS if texts_too else ())}


def rows_of(paths: Sequence[Path], size: tuple[int, int] | None) -> Rows:
    """Read files that are all pictures, all sounds, or all texts.

    Raises
    ------
    DataError
        If they are of several kinds.
    """
    families = {"picture": _pictures(), "sound": SOUNDS, "text": texts.TEXTS}
    firsts = {
        noun: first
        for noun, endings in families.items()
        if (first := next((path for path in paths if path.suffix.lower() in endings), None))
    }
    if len(firsts) > 1:
        raise DataError(
            f"files must be all {'s or all '.join(firsts)}s; got "
            f"{' and '.join(one_line(first, 60) for first in firsts.values())}"
        )
    (noun,) = firsts
    if noun == "text":
        return texts.read_files(paths)
    encoded = EncodedFiles(paths, noun)
    if noun == "sound":
        from fourfold.readers.media.sounds import SoundRows

        return SoundRows(encoded, size)
    from fourfold.readers.media.pictures import PictureRows

    return PictureRows(encoded, size)


def _pictures() -> frozenset[str]:
    from fourfold.readers.media.pictures import endings

    return endings()
