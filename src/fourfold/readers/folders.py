"""Folders of files with one sub-folder for each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["Folder"]


@final
@dataclass(frozen=True)
class Folder:
    """Files below a folder, sorted by path.

    Each sub-folder with everything below it is a class of that name; files outside the sub-folders
    have no label.

    Attributes
    ----------
    root
        The folder.
    files
        Parts of each file's path below it.
    classes
        Names of the sub-folders.
    """

    root: Path
    files: tuple[tuple[str, ...], ...]
    classes: tuple[str, ...] = ()

    @classmethod
    def open(cls, root: Path) -> Self:
        """List all files below a folder, without hidden files and hidden folders."""
        files, classes = [], []
        for path in root.rglob("*"):
            parts = path.relative_to(root).parts
            if any(part.startswith(".") for part in parts):
                continue
            if path.is_file():
                files.append(parts)
            elif len(parts) == 1:
                classes.append(path.name)
        return cls(root, tuple(sorted(files)), tuple(sorted(classes)))

    def ending_in(self, endings: Collection[str]) -> Folder:
        """Keep the files with one of these endings, in lower case with the dot."""
        kept = (
            parts for parts in self.files if self.root.joinpath(*parts).suffix.lower() in endings
        )
        return Folder(self.root, tuple(kept), self.classes)

    @property
    def paths(self) -> list[Path]:
        """Paths of the files."""
        return [self.root.joinpath(*parts) for parts in self.files]

    @property
    def labels(self) -> Any:
        """Class of each file or None, (n,) of objects; None if no file has a class.

        Raises
        ------
        DataError
            If a sub-folder has no file.
        """
        empty = set(self.classes) - {parts[0] for parts in self.files if len(parts) > 1}
        if empty:
            raise DataError(
                f"each sub-folder is a class and must hold at least one file of it; got none in "
                f"{', '.join(sorted(empty)[:4])}"
            )
        labels = [parts[0] if len(parts) > 1 else None for parts in self.files]
        return np.array(labels, object) if any(labels) else None
