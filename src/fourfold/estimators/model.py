"""Models: the fitted function from a ready row to outputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, final

import numpy as np
from torch import Tensor, nn

from fourfold.frozen.blocks import in_blocks
from fourfold.frozen.store import active, frozen_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.networks.builder import Body, Builder

__all__ = ["FittedModel", "Model"]

LARGE: Final = 1_000_000
"""Parameters of a network that takes longer than a look into a store."""


class FittedModel(ABC):
    """A fitted function from rows that are ready for it to outputs."""

    @abstractmethod
    def outputs(self, rows: Rows) -> NDArray[np.float32]:
        """Compute outputs (n, k), before the task decodes them; of frames, n arrays (T, k)."""

    @abstractmethod
    def embed(self, rows: Rows) -> NDArray[np.float32]:
        """Compute features (n, d), before the last layer; of frames, their mean."""


@final
class Model(nn.Module, FittedModel):
    """A network: the body gives features (B, d), the head outputs (B, k).

    Of utterances they are (B, d, T) and (B, T, k).

    Attributes
    ----------
    fixed
        Whether other fits share the body as it is, so that features of a large one are kept in a
        store.
    """

    def __init__(self, body: Body, head: nn.Module, *, fixed: bool = False) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.fixed = fixed

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.body(x))
        return outputs

    def outputs(self, rows: Rows) -> NDArray[np.float32]:
        if self._keeps(rows):
            return in_blocks(self.head, frozen_rows(self.body, rows))
        return in_blocks(self.body, rows, self.head)

    def embed(self, rows: Rows) -> NDArray[np.float32]:
        if self._keeps(rows):
            return np.asarray(frozen_rows(self.body, rows).take(np.arange(rows.n)))
        features = in_blocks(self.body, rows)
        if not rows.spoken:
            return features
        return np.stack([frames.mean(axis=1) for frames in features])  # (n, d)

    def _keeps(self, rows: Rows) -> bool:
        large = sum(part.numel() for part in self.body.parameters()) >= LARGE
        return self.fixed and large and rows.n > 0 and active() is not None

    @property
    def builder(self) -> Builder | None:
        """Description that rebuilds the body; None for a module of the user's."""
        return self.body.builder
