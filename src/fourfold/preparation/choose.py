"""Preparations: the choice among them, and reading a saved one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fourfold.errors import BundleError, MissingExtraError
from fourfold.preparation.base import FORMAT, AsIs, Preparation, PreparedRows
from fourfold.preparation.standardize import Standardize, Standardizer
from fourfold.preparation.tables import TablePreparation
from fourfold.preparation.texts import SentenceEncoding, WordCounts

if TYPE_CHECKING:
    from pathlib import Path

    from fourfold.data.rows import Rows

__all__ = [
    "AsIs",
    "Preparation",
    "PreparedRows",
    "SentenceEncoding",
    "Standardize",
    "Standardizer",
    "TablePreparation",
    "WordCounts",
    "default_preparation",
    "load_preparation",
]

CLASSES: dict[str, type[Preparation]] = {
    kind.__name__: kind
    for kind in (AsIs, SentenceEncoding, Standardize, TablePreparation, WordCounts)
}


def default_preparation(*rows: Rows, brought: bool = False) -> Preparation:
    """Choose a preparation, not yet fitted, by what the rows are.

    A table: :class:`TablePreparation`. Sparse rows, which centring would fill, and arrays of more
    dimensions than pictures have: :class:`AsIs`. Other arrays and pictures: :class:`Standardize`.
    Texts: :class:`WordCounts`, also where a sentence encoder is installed, so that the same data
    give the same models on every machine, offline, and without a download that nobody asked for;
    :class:`SentenceEncoding`, which is often better, is asked for.
    Where the network is ``brought`` by the user, inputs are left as they are for it.
    """
    if brought:
        return AsIs()
    if any(part.kind == "texts" for part in rows):
        return WordCounts()
    if any(part.kind == "table" for part in rows):
        return TablePreparation()
    if any(part.kind == "sparse" or len(part.shape) > 3 for part in rows):
        return AsIs()
    return Standardize()


def load_preparation(folder: Path) -> Preparation:
    """Read a preparation that ``save`` wrote; nothing in the files is run.

    Raises
    ------
    BundleError
        If files are missing or damaged, come from a newer version, or hold foreign types.
    """
    try:
        about: dict[str, Any] = json.loads(folder.joinpath("preparation.json").read_text("utf-8"))
        made = _class(about).rebuild(about, folder)
        whole = made.digest == about["digest"]
    except (BundleError, MissingExtraError):
        raise
    except Exception as error:  # whatever a damaged file makes a library raise
        raise BundleError(f"{folder} must hold a whole preparation; got: {error}") from error
    if not whole:
        raise BundleError(f"{folder} must hold a whole preparation; its content was changed")
    return made


def _class(about: dict[str, Any]) -> type[Preparation]:
    if about["format"] > FORMAT:
        raise BundleError(
            f"a preparation must be of format {FORMAT} or older; got {about['format']}: "
            "it was saved by a newer fourfold, update this one"
        )
    if about["class"] not in CLASSES:
        known = ", ".join(CLASSES)
        raise BundleError(f"a preparation must be one of {known}; got {about['class']!r}")
    return CLASSES[about["class"]]
