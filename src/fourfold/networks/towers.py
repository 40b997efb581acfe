"""Towers: the maps of a pair of networks that place pictures and texts in one space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, final

import numpy as np

from fourfold.data.descriptions import Descriptions
from fourfold.errors import DataError

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
    digest
        Hash of the weights of both.
    prompt
        Templates around names; vectors of several are averaged.
    """

    projection: Tensor
    scale: float
    embed: Callable[[Sequence[str]], Floats]
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
        texts = [self.prompts(*pair) for pair in zip(classes.names, classes.texts, strict=True)]
        distinct = {text: i for i, text in enumerate(dict.fromkeys(sum(texts, [])))}
        vectors = self.embed(list(distinct))
        mean = [_mean(vectors[[distinct[text] for text in of]]) for of in texts]
        return Descriptions(classes.names, np.stack(mean))

    def prompts(self, name: object, text: str) -> list[str]:
        """Return the texts that stand for a class.

        Without a prompt, a text that is the name itself gets the usual one, and others none.
        """
        known = str(name) == text
        read = text.replace("_", " ") if known else text
        given = (USUAL if known else PLACE) if self.prompt is None else self.prompt
        return [one.replace(PLACE, read) for one in ([given] if isinstance(given, str) else given)]


def _mean(vectors: Floats) -> Floats:
    """Return the mean direction of vectors (n, e), times their mean length: (e,)."""
    if len(vectors) == 1:
        return np.asarray(vectors[0])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    direction = (vectors / lengths).mean(axis=0)
    return np.asarray(direction / np.linalg.norm(direction) * lengths.mean(), np.float32)
