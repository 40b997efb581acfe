"""Descriptions of classes, as part of a problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from fourfold.algorithms.zeroshot.signatures import Signatures
    from fourfold.data.descriptions import Descriptions

__all__ = ["ClassDescriptions"]


@final
@dataclass(frozen=True)
class ClassDescriptions:
    """Classes that are recognized by their descriptions.

    Attributes
    ----------
    seen
        Names of the classes with examples in the source.
    known
        Descriptions of the seen classes.
    candidates
        Descriptions of the classes that a row of the target may be of.
    signatures
        Turns descriptions into signatures, vectors of one width.
    """

    seen: list[Any]
    known: Descriptions
    candidates: Descriptions
    signatures: Signatures
