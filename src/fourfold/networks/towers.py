"""Towers: the maps of a pair of networks that place pictures and texts in one space."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeAlias, final

import numpy as np

from fourfold.data.descriptions import Descriptions
from fourfold.errors import DataError, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    Floats = NDArray[np.float32]

__all__ = ["Prompt", "Towers"]

Prompt: TypeAlias = str | tuple[str, ...] | None
"""Templates around names of classes, with ``{}`` in place of a name; None for the usual one."""
USUAL: Final = "a photo of a {}."
PLACE: Final = "{}"
WORDS: Final = 3
"""Words of a text that may stand for a name, at most."""


@final
@dataclass(frozen=True)
class Towers:
    """A picture's features times a projection, and the vectors of texts, are compared by angle.

    Attributes
    ----------
    projection
        (e, d) map of a picture's features.
    scale
        Factor of the cosines, before the softmax.
    embed
        Vectors (n, e) of texts.
    count_truncated
        Number of texts that are longer than what is read.
    digest
        Hash of the weights of both.
    prompt
        Templates around names; vectors of several are averaged.
    """

    projection: Tensor
    scale: float
    embed: Callable[[Sequence[str]], Floats]
    count_truncated: Callable[[Sequence[str]], int]
    digest: str
    prompt: Prompt = None

    @property
    def width(self) -> int:
        """Size of the common space, e."""
        return len(self.projection)

    def describe(self, classes: Descriptions) -> Descriptions:
        """Return vectors of classes that are described by texts; vectors (k, e) stay.

        The directions of several templates are averaged, and so are the lengths.

        Raises
        ------
        DataError
            If classes are described by anything else.
        """
        if classes.texts is None:
            if classes.matrix is None or classes.width != self.width:
                raise DataError(
                    "classes must be described by names or texts for a network of two towers, or "
                    f"by vectors of {self.width} numbers; got {classes!r:.80}"
                )
            return classes
        texts = self.texts(classes)
        distinct = {text: i for i, text in enumerate(dict.fromkeys(chain(*texts)))}
        vectors = self.embed(list(distinct))
        mean = [_mean(vectors[[distinct[text] for text in of]]) for of in texts]
        return Descriptions(classes.names, np.stack(mean))

    def texts(self, classes: Descriptions) -> list[list[str]]:
        """Return the texts that stand for each class; none where classes are no texts.

        Without a prompt the usual one is put around names of classes, and around texts that are all
        of a few words; sentences stay as they are.
        """
        given, names = classes.texts or [], map(str, classes.names.tolist())
        short = all(len(text.split()) <= WORDS for text in given)
        pairs = zip(names, given, strict=False)
        return [self._prompted(text, named=name == text, short=short) for name, text in pairs]

    def notes(self, classes: Descriptions) -> list[str]:
        """Return an example of the texts of classes, and the number of truncated ones, in words."""
        texts = [*chain(*self.texts(classes))]
        if not texts:
            return []
        notes = [f"The network reads the classes as texts, such as {texts[0]!r}."]
        if cut := self.count_truncated(texts):
            notes.append(f"{cut:,} of {counted(len(texts), 'text')} of classes are truncated.")
        return notes

    def _prompted(self, text: str, *, named: bool, short: bool) -> list[str]:
        """Return the texts of a class; a name has blanks in place of underscores."""
        read = text.replace("_", " ") if named else text
        usual = USUAL if named or short else PLACE
        given = usual if self.prompt is None else self.prompt
        return [one.replace(PLACE, read) for one in ([given] if isinstance(given, str) else given)]


def _mean(vectors: Floats) -> Floats:
    """Return the mean direction of vectors (n, e), times their mean length: (e,)."""
    if len(vectors) == 1:
        return np.asarray(vectors[0])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    direction = (vectors / lengths).mean(axis=0)
    return np.asarray(direction / np.linalg.norm(direction) * lengths.mean(), np.float32)
