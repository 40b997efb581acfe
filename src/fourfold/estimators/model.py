"""Models: the fitted function from a ready row to outputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, final

import numpy as np
from torch import Tensor, nn

from fourfold.frozen.blocks import in_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.networks.builder import Body, Builder

__all__ = ["FittedModel", "Model"]


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
    """

    def __init__(self, body: Body, head: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.body(x))
        return outputs

    def outputs(self, rows: Rows) -> NDArray[np.float32]:
        return in_blocks(self.body, rows, self.head)

    def embed(self, rows: Rows) -> NDArray[np.float32]:
        features = in_blocks(self.body, rows)
        if not rows.spoken:
            return features
        return np.stack([frames.mean(axis=1) for frames in features])  # (n, d)

    @property
    def builder(self) -> Builder | None:
        """Description that rebuilds the body; None for a module of the user's."""
        return self.body.builder
