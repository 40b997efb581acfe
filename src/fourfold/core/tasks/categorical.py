"""The common part of classification and clustering."""

from __future__ import annotations

from abc import ABC
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.core.tasks.base import Task, weighted
from fourfold.core.tasks.labels import as_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["Categorical"]


class Categorical(Task, ABC):
    """One category for each row: a class or a cluster.

    Attributes
    ----------
    classes_
        (k,) sorted names of the categories.
    """

    def among(self, classes: NDArray[Any]) -> Self:
        """Fix the categories, (k,) sorted."""
        self.classes_: NDArray[Any] = classes
        self.taught_ = None
        return self

    @cached_property
    def taught_(self) -> Tensor | None:
        """Positions of the categories that the loss compares; None for all."""
        return None

    @property
    def n_outputs(self) -> int:
        return len(self.classes_)

    @property
    def names(self) -> NDArray[Any]:
        """Names of all answers in the order of their outputs: the categories, and those beyond."""
        return np.array([*self.classes_.tolist(), *self.beyond]) if self.beyond else self.classes_

    def codes(self, y: NDArray[Any]) -> NDArray[np.int64]:
        """Return the position of each label among the classes, −1 for an unknown label."""
        y = as_classes(y)
        if self.classes_.dtype.kind == "U":
            y = y.astype(str)
        elif y.dtype.kind == "U":  # names, where classes are numbers
            return np.full(len(y), -1, np.int64)
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        return np.where(self.classes_[codes] == y, codes, -1)

    def distillation_loss(
        self,
        outputs: Tensor,
        teacher: Tensor,
        temperature: float = 1.0,
        weight: Tensor | None = None,
    ) -> Tensor:
        wanted = (teacher / temperature).softmax(1)
        losses = F.cross_entropy(outputs / temperature, wanted, reduction="none")  # (B,)
        return temperature**2 * weighted(losses, weight).mean()

    def fisher_roots(self, outputs: Tensor) -> Tensor:
        likelihood = outputs.log_softmax(1)
        return likelihood.detach().exp().sqrt() * likelihood

    def decode(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        return np.asarray(self.names[outputs.argmax(axis=1)])

    def probabilities(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the softmax of outputs (n, k)."""
        shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)

    def state(self) -> dict[str, Any]:
        return {"classes": self.classes_.tolist()}

    def restore(self, state: Mapping[str, Any]) -> Self:
        return self.among(np.array(state["classes"]))
