"""Regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.core.tasks.base import Task, mean_over_labels, weighted
from fourfold.core.tasks.labels import as_numbers, numbers_or_nan
from fourfold.data.kinds import called
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain

__all__ = ["Regression"]

FAR: Final = 3.0
"""Spreads between two means, or ratio of two spreads, from which on units differ."""
ENOUGH: Final = 8
"""Labels that tell a spread."""


@final
class Regression(Task):
    """One number or several for each row; some may be missing.

    Attributes
    ----------
    mean_, scale_
        (m,) mean and standard deviation of the labels; a network learns standardized labels.
    """

    kind: ClassVar[str] = "regressor"
    linear_loss: ClassVar[Literal["logistic", "squared"] | None] = "squared"
    answer_name: ClassVar[str] = "values"

    @property
    def n_outputs(self) -> int:
        return len(self.mean_)

    def fit(self, domain: Domain) -> Self:
        y = as_numbers(domain.known)
        if domain.constant:
            raise DataError(
                f"labels of {called(domain)} must differ; got {np.nanmin(y):g} in all "
                f"{len(y):,} rows"
            )
        empty = np.flatnonzero(np.isnan(y).all(axis=0))
        if len(empty):
            raise DataError(f"each output must have a label; got none for output {empty[0]}")
        weight = domain.known_weight
        rows = np.ones(len(y)) if weight is None else weight
        self.mean_ = _mean(y, rows)
        scale = np.sqrt(_mean((y - self.mean_) ** 2, rows))
        self.scale_ = np.where(scale > 0, scale, 1.0)
        self.flat_ = domain.known.ndim == 1
        return self

    def moved_to(self, domain: Domain) -> Regression:
        """Return the task in the units of a domain's labels; itself where these seem the same.

        Units are others where means lie over 3 spreads apart, or where spreads of 8 labels or more
        differ more than threefold.
        """
        own = Regression().fit(domain)
        many = domain.n_labelled >= ENOUGH
        if not many:
            own.scale_ = self.scale_
        return self if self.shares_units(own).all() else own

    def shares_units(self, other: Regression) -> NDArray[np.bool_]:
        """Return for each output whether means and spreads seem to be in the same units, (m,)."""
        ratio = other.scale_ / self.scale_
        near = np.abs(other.mean_ - self.mean_) <= FAR * self.scale_
        return np.asarray(near & (ratio <= FAR) & (ratio >= 1 / FAR))

    def encode(self, domain: Domain) -> Tensor:
        y = (numbers_or_nan(domain, self.n_outputs) - self.mean_) / self.scale_
        return torch.from_numpy(y.astype(np.float32))

    def decode_labels(self, y: Tensor) -> NDArray[Any]:
        return self.decode(y.numpy())

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        known = ~y.isnan()
        error = torch.where(known, outputs - y.nan_to_num(), 0.0)
        return mean_over_labels(error.square(), known, weight)

    def distillation_loss(
        self,
        outputs: Tensor,
        teacher: Tensor,
        temperature: float = 1.0,  # noqa: ARG002  numbers have none
        weight: Tensor | None = None,
    ) -> Tensor:
        return weighted((outputs - teacher).square(), weight).mean()

    def fisher_roots(self, outputs: Tensor) -> Tensor:
        return outputs

    def decode(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        y = outputs.astype(np.float64) * self.scale_ + self.mean_
        return np.asarray(y[:, 0] if self.flat_ else y)

    def answers(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        return self.decode(outputs)

    def answer_module(self) -> nn.Module:
        return _Values(self.mean_, self.scale_, flat=self.flat_)

    def score(
        self,
        y: NDArray[Any],
        outputs: NDArray[np.float32],
        weight: NDArray[np.floating[Any]] | None = None,
    ) -> float:
        """R², averaged over the outputs."""
        true = as_numbers(y)
        predicted = self.decode(outputs).reshape(true.shape)
        rows = np.ones(len(true)) if weight is None else weight
        residual = np.nansum(rows[:, None] * (true - predicted) ** 2, axis=0)
        total = np.nansum(rows[:, None] * (true - _mean(true, rows)) ** 2, axis=0)
        return float((1 - residual / np.where(total > 0, total, 1.0)).mean())

    def rows_right(self, y: NDArray[Any], outputs: NDArray[np.float32]) -> None:
        del y, outputs

    def state(self) -> dict[str, Any]:
        return {"mean": self.mean_.tolist(), "scale": self.scale_.tolist(), "flat": self.flat_}

    def restore(self, state: Mapping[str, Any]) -> Self:
        self.mean_, self.scale_ = np.array(state["mean"]), np.array(state["scale"])
        self.flat_ = bool(state["flat"])
        return self


def _mean(y: NDArray[np.float64], weight: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Average each column of y (n, m) over the rows that have it, by weights (n,)."""
    there = ~np.isnan(y) * weight[:, None]
    return np.asarray((np.nan_to_num(y) * there).sum(axis=0) / there.sum(axis=0))


@final
class _Values(nn.Module):
    """Outputs (B, m) in the units of the labels."""

    mean: Tensor
    scale: Tensor

    def __init__(
        self, mean: NDArray[np.float64], scale: NDArray[np.float64], *, flat: bool
    ) -> None:
        super().__init__()
        self.flat = flat
        self.register_buffer("mean", torch.as_tensor(mean))
        self.register_buffer("scale", torch.as_tensor(scale))

    def forward(self, outputs: Tensor) -> Tensor:
        values = outputs.double() * self.scale + self.mean
        return values[:, 0] if self.flat else values
