"""Backend: the interface of all ways to keep and search vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]
    Positions: TypeAlias = NDArray[np.int64]
    Found: TypeAlias = tuple[Vectors, Positions]

__all__ = ["Backend", "Options", "one_by_one"]


class Options(NamedTuple):
    """The settings of a backend.

    Attributes
    ----------
    biased
        Whether the last number of a vector is its bias.
    cells
        Number of cells; None chooses it by the number of vectors.
    neighbours
        Of a vector in a graph.
    seed
        Of k-means.
    """

    biased: bool
    cells: int | None
    neighbours: int
    seed: int


class Backend(ABC):
    """A searchable collection of vectors.

    With biases, the last number of a vector is its bias, and the last number of a query is 1.

    Attributes
    ----------
    effort
        Default cost of a search; 0 for a backend without a choice.
    """

    effort: ClassVar[int]

    @classmethod
    @abstractmethod
    def build(cls, labels: Vectors, options: Options) -> Self:
        """Keep vectors (k, d)."""

    @property
    @abstractmethod
    def n(self) -> int:
        """Number of vectors."""

    @property
    @abstractmethod
    def max_effort(self) -> int:
        """The effort of an exact search."""

    @abstractmethod
    def add(self, labels: Vectors) -> None:
        """Keep more vectors."""

    @abstractmethod
    def search(self, queries: Vectors, k: int, effort: int) -> Found:
        """Search for each query (n, d) alone: scores and positions (n, k), −1 for none."""

    @abstractmethod
    def write(self, folder: Path) -> dict[str, Any]:
        """Write the vectors; return further settings for :meth:`read`, as JSON."""

    @classmethod
    @abstractmethod
    def read(cls, folder: Path, about: dict[str, Any]) -> Self:
        """Open written vectors, memory-mapped."""


def one_by_one(queries: Vectors, search: Callable[[Vectors], Found]) -> Found:
    """Search for each query alone, since sums of several are in another order."""
    found = [search(queries[i : i + 1]) for i in range(len(queries))]
    scores, positions = zip(*found, strict=True)
    return np.concatenate(scores), np.concatenate(positions)
