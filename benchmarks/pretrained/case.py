"""Case: the domains of one task, and the network below all sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from fourfold import Domain
    from fourfold.networks import Pretrained

__all__ = ["JUDGED", "SOURCE", "Case"]

JUDGED: Final = 400
"""Most rows to judge on."""
SOURCE: Final = 1000
"""Most rows of a source."""


class Case(NamedTuple):
    """Domains of one task.

    Attributes
    ----------
    source, target, evaluate
        Rows and labels to learn from, and to judge on.
    network
        Pretrained one, or ``onnx:FILE``; None where an encoder gives vectors.
    encoder
        Sentence encoder of a study; None for words.
    """

    source: Domain
    target: Domain
    evaluate: Domain
    network: Pretrained | str | None
    encoder: str | None = None

    @property
    def below(self) -> str:
        """Name of the network or encoder."""
        network: Any = self.network
        return str(self.encoder or (network if isinstance(network, str) else network.name))
