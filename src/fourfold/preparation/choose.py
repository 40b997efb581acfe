"""The choice of a preparation by the kind of rows, and loading of saved ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from fourfold.core.inside import read_json
from fourfold.errors import BundleError, MissingExtraError, summary
from fourfold.preparation.base import FORMAT, Preparation
from fourfold.preparation.blockwise import AsIs, PreparedRows
from fourfold.preparation.pretrained.pictures import PictureInput
from fourfold.preparation.pretrained.tokens import Tokens
from fourfold.preparation.pretrained.waves import Waves
from fourfold.preparation.sentence_encoding import SentenceEncoding
from fourfold.preparation.standardize import Standardize, Standardizer
from fourfold.preparation.tables.preparation import TablePreparation
from fourfold.preparation.tables.views import TableViews
from fourfold.preparation.word_counts import WordCounts

if TYPE_CHECKING:
    from pathlib import Path

    from fourfold.data.rows import Rows

__all__ = [
    "AsIs",
    "PictureInput",
    "Preparation",
    "PreparedRows",
    "SentenceEncoding",
    "Standardize",
    "Standardizer",
    "TablePreparation",
    "TableView",
    "TableViews",
    "Tokens",
    "Waves",
    "WordCounts",
    "default_preparation",
    "in_view",
    "load_preparation",
]

TableView: TypeAlias = Literal["words", "axes", "trees"]
"""Of a table: texts as words, on the main axes of these, or that behind features for trees."""

CLASSES: dict[str, type[Preparation]] = {
    kind.__name__: kind
    for kind in (
        *(AsIs, PictureInput, SentenceEncoding, Standardize),
        *(TablePreparation, TableViews, Tokens, Waves, WordCounts),
    )
}


def default_preparation(*rows: Rows, user_network: bool = False) -> Preparation:
    """Choose an unfitted preparation by the kind of rows.

    Tables: :class:`TablePreparation`. Sparse rows, which centring would make dense, and arrays of
    more dimensions than pictures: :class:`AsIs`. Other arrays and pictures: :class:`Standardize`.
    Speech, which is normalized where it is read: :class:`AsIs`.
    Texts: :class:`WordCounts`, on every machine alike and without a download;
    :class:`SentenceEncoding`, which is often better, must be asked for.
    Inputs of a ``user_network`` are left unchanged.
    """
    if user_network:
        return AsIs()
    if any(part.kind == "texts" for part in rows):
        return WordCounts()
    if any(part.kind == "table" for part in rows):
        return TablePreparation()
    if any(part.kind == "sparse" or part.spoken or len(part.shape) > 3 for part in rows):
        return AsIs()
    return Standardize()


def in_view(prepare: Preparation, view: TableView) -> Preparation:
    """Return a preparation, fitted or not, as a method with a view of tables gets it."""
    if not isinstance(prepare, TablePreparation) or view == "words":
        return prepare
    reduced = prepare.reduced()
    return reduced if view == "axes" else TableViews.over(reduced)


def load_preparation(folder: Path) -> Preparation:
    """Load a saved preparation; no code in the files is run.

    Raises
    ------
    BundleError
        If files are missing or damaged, are of a newer version, or hold foreign types.
    """
    try:
        about: dict[str, Any] = read_json(folder / "preparation.json")
        made = _class(about).rebuild(about, folder)
        whole = made.digest == about["digest"]
    except (BundleError, MissingExtraError):
        raise
    except Exception as error:  # a damaged file makes libraries raise anything
        got = summary(error)
        raise BundleError(f"{folder} must hold a whole preparation; got {got}") from error
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
        raise BundleError(f"a preparation must be one of {known}; got {about['class']!r:.60}")
    return CLASSES[about["class"]]
