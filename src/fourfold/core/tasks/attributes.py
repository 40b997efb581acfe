"""Prediction of attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, final

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.core.tasks.base import Task, mean_over_labels, weighted
from fourfold.core.tasks.labels import are_binary, numbers_or_nan
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain

__all__ = ["Attributes"]


@final
class Attributes(Task):
    """Several binary labels for each row; some may be missing."""

    kind: ClassVar[str] = "classifier"
    linear_loss: ClassVar[Literal["logistic", "squared"] | None] = "logistic"
    answer_name: ClassVar[str] = "logits"

    @property
    def n_outputs(self) -> int:
        return self.width_

    def fit(self, domain: Domain) -> Self:
        y = domain.known
        if y.ndim != 2 or not are_binary(y):
            raise DataError(
                f"attributes must be (n, m) of 0, 1 and NaN; got shape {y.shape}, of {y.dtype}"
            )
        self.width_: int = y.shape[1]
        return self

    def encode(self, domain: Domain) -> Tensor:
        return torch.from_numpy(numbers_or_nan(domain, self.n_outputs).astype(np.float32))

    def decode_labels(self, y: Tensor) -> NDArray[Any]:
        return y.numpy()

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        known = ~y.isnan()
        error = F.binary_cross_entropy_with_logits(outputs, y.nan_to_num(), reduction="none")
        return mean_over_labels(torch.where(known, error, 0.0), known, weight)

    def distillation_loss(
        self,
        outputs: Tensor,
        teacher: Tensor,
        temperature: float = 1.0,
        weight: Tensor | None = None,
    ) -> Tensor:
        wanted = (teacher / temperature).sigmoid()
        losses = F.binary_cross_entropy_with_logits(
            outputs / temperature, wanted, reduction="none"
        )  # (B, m)
        return temperature**2 * weighted(losses, weight).mean()

    def fisher_roots(self, outputs: Tensor) -> Tensor:
        p = outputs.detach().sigmoid()
        return (p * (1 - p)).sqrt() * outputs

    def decode(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        return (outputs > 0).astype(np.int64)

    def probabilities(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the probability of each yes from outputs (n, m)."""
        return np.asarray(expit(outputs), np.float32)

    def answers(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return outputs

    def answer_module(self) -> nn.Module:
        return nn.Identity()

    def score(
        self,
        y: NDArray[Any],
        outputs: NDArray[np.float32],
        weight: NDArray[np.floating[Any]] | None = None,
    ) -> float:
        """Accuracy over the known labels."""
        true = y.astype(float)
        rows = np.ones(len(y)) if weight is None else weight
        each = np.where(np.isnan(true), 0.0, rows[:, None])  # (n, m)
        return float(np.average(self.decode(outputs) == true, weights=each))

    def rows_right(self, y: NDArray[Any], outputs: NDArray[np.float32]) -> NDArray[np.float64]:
        right = (self.decode(outputs) == y).reshape(len(y), -1)
        return np.asarray(right.mean(axis=1), np.float64)

    def state(self) -> dict[str, Any]:
        return {"width": self.width_}

    def restore(self, state: Mapping[str, Any]) -> Self:
        self.width_ = int(state["width"])
        return self
