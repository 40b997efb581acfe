"""Rules of augmentation: the changes that keep the labels of these rows, and the reasons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, final

import numpy as np

from fourfold.preparation.layout import find_layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.rows import Rows

__all__ = ["GENTLE", "LOOKED_AT", "Medium", "Rules", "rules_for"]

Medium: TypeAlias = Literal["pictures", "spectrograms", "waves", ""]
"""Kind of the rows that are changed; empty for rows that stay as they are."""

GENTLE: Final = 0.8
"""Least share of a picture's area that crops keep where classes are characters."""
LOOKED_AT: Final = 64
"""Rows of arrays of floats that are looked at for the range of their numbers."""
NUMERALS: Final = frozenset(
    {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
)
DIRECTIONS: Final = frozenset(
    {"left", "right", "east", "west", "leftward", "rightward", "leftwards", "rightwards"}
    | {"clockwise", "counterclockwise", "anticlockwise", "port", "starboard", "lateral"}
)
COLOURS: Final = frozenset(
    {"black", "blue", "bright", "brown", "dark", "gray", "green", "grey", "light", "orange"}
    | {"pink", "purple", "red", "violet", "white", "yellow", "color", "colour"}
)


@final
class Rules(NamedTuple):
    """Changes that keep labels.

    Attributes
    ----------
    medium
        Kind of the rows.
    why
        The reason where rows stay as they are, or for what is left out; empty for none.
    flips, colours
        Whether pictures may be mirrored, and change their colours.
    characters
        Whether classes are digits or letters, of which crops must keep most.
    """

    medium: Medium = ""
    why: str = ""
    flips: bool = True
    colours: bool = True
    characters: bool = False

    def describe(self) -> str:
        """Name the changes and the reason for those that are left out."""
        if not self.medium:
            return f"none: {self.why}"
        if self.medium != "pictures":
            return "speed, noise and hidden stretches of sounds"
        crops = "small crops" if self.characters else "crops"
        done = [crops, *(["flips"] if self.flips else []), "rotations"]
        done += ["colours"] if self.colours else []
        listed = f"{', '.join(done[:-1])} and {done[-1]} of pictures"
        return f"{listed}; {self.why}" if self.why else listed


def rules_for(rows: Rows, classes: Sequence[Any] | None, shape: tuple[int, ...] = ()) -> Rules:
    """Return the rules for rows and the names of their classes; None where labels are others.

    ``shape`` is that of the rows as a network gets them, where these are prepared before it.
    """
    if classes is None:
        return Rules(why="labels are no classes, and changes of a row may change them")
    if rows.spoken:
        return Rules(why="transcripts have masks of their own, in Listener")
    if rows.kind == "sounds":
        return Rules("waves" if len(shape) == 1 else "spectrograms")
    if not _shows(rows):
        return Rules(why="rows are no pictures and no sounds")
    left_out = {
        "no flips, since classes are characters or numbers": _are_characters(classes),
        "no flips, since classes are directions": _name(classes, DIRECTIONS),
        "no colours, since these are classes": _name(classes, COLOURS),
    }
    characters, directions, colours = left_out.values()
    why = ", ".join(reason for reason, holds in left_out.items() if holds)
    return Rules("pictures", why, not (characters or directions), not colours, characters)


def _shows(rows: Rows) -> bool:
    """Return whether rows are pictures: of files, of bytes, or of floats from 0 to 1 or 255."""
    if rows.kind == "pictures":
        return True
    if rows.kind != "array" or len(rows.shape) not in {2, 3}:
        return False
    if find_layout(rows, "auto") not in {"plane", "first", "last"}:
        return False
    if rows.dtype == np.uint8:
        return True
    places = np.unique(np.linspace(0, rows.n - 1, min(rows.n, LOOKED_AT)).astype(np.intp))
    seen = rows.take(places)  # not by content, which would read all rows before a map is shown
    return bool(seen.size and seen.min() >= 0 and seen.max() <= 255)


def _are_characters(classes: Sequence[Any]) -> bool:
    """Return whether classes are digits, letters, or numbers that may stand for these.

    Words that all names have do not matter, as in "digit 0" and "digit 1".
    """
    words = [_words(name) for name in classes]
    common = set.intersection(*words) if len(words) > 1 else set()
    own = [names - common for names in words]
    return bool(own) and all(
        names and all(len(n) == 1 or n.isdigit() or n in NUMERALS for n in names) for names in own
    )


def _name(classes: Sequence[Any], words: frozenset[str]) -> bool:
    """Return whether names of classes have some of these words."""
    return any(words & _words(name) for name in classes)


def _words(name: Any) -> set[str]:
    return set(re.findall(r"[^\W\d_]+|\d+", str(name).lower()))
