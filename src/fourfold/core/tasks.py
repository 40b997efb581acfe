"""Tasks: what is to be learnt of a target, from its labels to head, loss, decoding and score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, final

import numpy as np
import torch
import torch.distributed as dist
from sklearn.metrics import normalized_mutual_info_score
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.core.parameters import Fraction, Parameters, PositiveInt
from fourfold.core.process import world_size
from fourfold.errors import DataError, some

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain

__all__ = [
    "TASKS",
    "Attributes",
    "Classification",
    "Clustering",
    "Regression",
    "Task",
    "infer_task",
]


class Task(Parameters, ABC):
    """What is to be learnt: labels to tensors, outputs to predictions, and both to a score.

    Attributes
    ----------
    kind
        ``"classifier"``, ``"regressor"`` or ``"clusterer"``, as scikit-learn calls it.
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """How many numbers a network must give for a row, after :meth:`fit`."""

    @abstractmethod
    def fit(self, domain: Domain) -> Self:
        """Learn what the labels are: their classes, or their scale.

        Raises
        ------
        DataError
            If the domain has no label, or labels that do not fit the task.
        """

    @abstractmethod
    def encode(self, domain: Domain) -> Tensor:
        """Make a tensor of the labels, (n,) or (n, m), with a mark where one is missing."""

    @abstractmethod
    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Average the loss over the labels that are there: outputs (B, n_outputs), y encoded."""

    @abstractmethod
    def distillation_loss(
        self, outputs: Tensor, teacher: Tensor, temperature: float = 1.0
    ) -> Tensor:
        """Average how far outputs lie from a teacher's, (B, n_outputs) both; least where equal.

        Classes and answers are compared as probabilities at the temperature, times its square, so
        that the gradient keeps its size (Hinton et al. 2015); numbers as they are.
        """

    @abstractmethod
    def fisher_roots(self, outputs: Tensor) -> Tensor:
        """Return values (B, n_outputs) whose squared derivatives add up to the Fisher information.

        That is the squared derivative of the log-likelihood, in expectation over the answers that
        outputs (B, n_outputs) give themselves; numbers have unit variance.
        """

    @abstractmethod
    def decode(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        """Turn outputs (n, n_outputs) into predictions in the user's terms."""

    @abstractmethod
    def score(self, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        """Rate outputs against true labels; higher is better."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return what was fitted, as JSON can hold it."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what :meth:`state` returned."""

    def head(self, width: int) -> nn.Module:
        """Build a fresh last layer on features (B, width)."""
        return nn.Linear(width, self.n_outputs)


class _OneOfSeveral(Task, ABC):
    """One of several for each row: what classes and clusters have in common.

    Attributes
    ----------
    classes_
        (k,) what they are called, sorted.
    """

    @property
    def n_outputs(self) -> int:
        return len(self.classes_)

    def codes(self, y: NDArray[Any]) -> NDArray[np.int64]:
        """Find each label among the classes; −1 for one that is none of them."""
        y = _names(y)
        if self.classes_.dtype.kind == "U":
            y = y.astype(str)
        elif y.dtype.kind == "U":  # names, among numbers
            return np.full(len(y), -1, np.int64)
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        return np.where(self.classes_[codes] == y, codes, -1)

    def distillation_loss(
        self, outputs: Tensor, teacher: Tensor, temperature: float = 1.0
    ) -> Tensor:
        wanted = (teacher / temperature).softmax(1)
        return temperature**2 * F.cross_entropy(outputs / temperature, wanted)

    def fisher_roots(self, outputs: Tensor) -> Tensor:
        likelihood = outputs.log_softmax(1)
        return likelihood.detach().exp().sqrt() * likelihood

    def decode(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        return np.asarray(self.classes_[outputs.argmax(axis=1)])

    def probabilities(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn outputs (n, k) into probabilities (n, k)."""
        shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)

    def state(self) -> dict[str, Any]:
        return {"classes": self.classes_.tolist()}

    def restore(self, state: Mapping[str, Any]) -> Self:
        self.classes_ = np.array(state["classes"])
        return self


@final
class Classification(_OneOfSeveral):
    """One class of several for each row.

    Parameters
    ----------
    smoothing
        Label smoothing, in [0, 1].

    Attributes
    ----------
    classes_
        (k,) the class names, sorted.
    """

    smoothing: Fraction = 0.0
    kind: ClassVar[str] = "classifier"

    def fit(self, domain: Domain) -> Self:
        y = _names(domain.known)
        if y.ndim != 1:
            raise DataError(f"classes must be (n,); got labels of shape {y.shape}")
        if y.dtype.kind == "f":
            raise DataError(
                "classes must be whole numbers or names; got fractions: Unknown label type "
                "(continuous), for which task=Regression() is meant"
            )
        self.classes_ = np.unique(y)
        return self

    def encode(self, domain: Domain) -> Tensor:
        codes = np.full(domain.n_rows, -1, np.int64)
        if domain.y is not None and domain.labelled.any():
            known = self.codes(domain.known)
            if (known < 0).any():
                raise DataError(
                    f"labels of {domain.name or 'the domain'} must be among the "
                    f"{len(self.classes_)} classes of the task; got also "
                    f"{some(map(repr, np.unique(_names(domain.known)[known < 0]).tolist()))}"
                )
            codes[domain.labelled] = known
        return torch.from_numpy(codes)

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        total = F.cross_entropy(
            outputs, y, ignore_index=-1, label_smoothing=self.smoothing, reduction="sum"
        )
        return _average(total, y >= 0)

    def score(self, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        """Accuracy."""
        return float((outputs.argmax(axis=1) == self.codes(y)).mean())


@final
class Clustering(_OneOfSeveral):
    """One cluster of several for each row; labels, if there are any, are not looked at.

    Parameters
    ----------
    n_clusters
        How many clusters.

    Attributes
    ----------
    classes_
        (k,) the clusters' numbers, from 0.
    """

    n_clusters: PositiveInt = 8
    kind: ClassVar[str] = "clusterer"

    def fit(self, domain: Domain) -> Self:
        if self.n_clusters > domain.n_rows:
            raise DataError(
                f"n_clusters must be at most the number of rows; got {self.n_clusters} clusters "
                f"for {domain.n_rows} rows"
            )
        self.classes_ = np.arange(self.n_clusters)
        return self

    def encode(self, domain: Domain) -> Tensor:
        return torch.full((domain.n_rows,), -1)

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        return _average(F.cross_entropy(outputs, y, ignore_index=-1, reduction="sum"), y >= 0)

    def score(self, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        """Compare clusters and true classes by their normalized mutual information."""
        true = np.unique(_names(y), return_inverse=True)[1]
        return float(normalized_mutual_info_score(true, outputs.argmax(axis=1)))


@final
class Regression(Task):
    """One number, or several, for each row; some may be missing.

    Attributes
    ----------
    mean_, scale_
        (m,) of the labels; a network learns them standardized.
    """

    kind: ClassVar[str] = "regressor"

    @property
    def n_outputs(self) -> int:
        return len(self.mean_)

    def fit(self, domain: Domain) -> Self:
        y = _columns(domain.known)
        empty = np.flatnonzero(np.isnan(y).all(axis=0))
        if len(empty):
            raise DataError(f"each output must have a label; got none for output {empty[0]}")
        self.mean_ = np.nanmean(y, axis=0)
        scale = np.nanstd(y, axis=0)
        self.scale_ = np.where(scale > 0, scale, 1.0)
        self.flat_ = domain.known.ndim == 1
        return self

    def encode(self, domain: Domain) -> Tensor:
        y = (_with_holes(domain, self.n_outputs) - self.mean_) / self.scale_
        return torch.from_numpy(y.astype(np.float32))

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        there = ~y.isnan()
        error = torch.where(there, outputs - y.nan_to_num(), 0.0)
        return _average(error.square().sum(), there)

    def distillation_loss(
        self,
        outputs: Tensor,
        teacher: Tensor,
        temperature: float = 1.0,  # noqa: ARG002  numbers have none
    ) -> Tensor:
        return F.mse_loss(outputs, teacher)

    def fisher_roots(self, outputs: Tensor) -> Tensor:
        return outputs

    def decode(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        y = outputs.astype(np.float64) * self.scale_ + self.mean_
        return np.asarray(y[:, 0] if self.flat_ else y)

    def score(self, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        """R², averaged over the labels."""
        true = _columns(y)
        guess = self.decode(outputs).reshape(true.shape)
        residual = np.nansum((true - guess) ** 2, axis=0)
        total = np.nansum((true - np.nanmean(true, axis=0)) ** 2, axis=0)
        return float((1 - residual / np.where(total > 0, total, 1.0)).mean())

    def state(self) -> dict[str, Any]:
        return {"mean": self.mean_.tolist(), "scale": self.scale_.tolist(), "flat": self.flat_}

    def restore(self, state: Mapping[str, Any]) -> Self:
        self.mean_, self.scale_ = np.array(state["mean"]), np.array(state["scale"])
        self.flat_ = bool(state["flat"])
        return self


@final
class Attributes(Task):
    """Several yes-or-no answers for each row; some may be missing."""

    kind: ClassVar[str] = "classifier"

    @property
    def n_outputs(self) -> int:
        return self.width_

    def fit(self, domain: Domain) -> Self:
        y = domain.known
        if y.ndim != 2 or not _answers(y):
            raise DataError(
                f"attributes must be (n, m) of 0, 1 and NaN; got shape {y.shape}, of {y.dtype}"
            )
        self.width_: int = y.shape[1]
        return self

    def encode(self, domain: Domain) -> Tensor:
        return torch.from_numpy(_with_holes(domain, self.n_outputs).astype(np.float32))

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        there = ~y.isnan()
        error = F.binary_cross_entropy_with_logits(outputs, y.nan_to_num(), reduction="none")
        return _average(torch.where(there, error, 0.0).sum(), there)

    def distillation_loss(
        self, outputs: Tensor, teacher: Tensor, temperature: float = 1.0
    ) -> Tensor:
        wanted = (teacher / temperature).sigmoid()
        scaled = F.binary_cross_entropy_with_logits(outputs / temperature, wanted)
        return temperature**2 * scaled

    def fisher_roots(self, outputs: Tensor) -> Tensor:
        p = outputs.detach().sigmoid()
        return (p * (1 - p)).sqrt() * outputs

    def decode(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        return (outputs > 0).astype(np.int64)

    def score(self, y: NDArray[Any], outputs: NDArray[np.float32]) -> float:
        """Average accuracy over the answers that are known."""
        true = y.astype(float)
        return float((self.decode(outputs) == true)[~np.isnan(true)].mean())

    def state(self) -> dict[str, Any]:
        return {"width": self.width_}

    def restore(self, state: Mapping[str, Any]) -> Self:
        self.width_ = int(state["width"])
        return self


TASKS: Final[Mapping[str, type[Task]]] = {
    task.__name__: task for task in (Classification, Clustering, Regression, Attributes)
}
"""Every task, by its class name."""


def infer_task(domain: Domain) -> Task:
    """Tell from the labels what is to be learnt.

    Names, whole numbers and truth values are classes; measurements (see
    :attr:`~fourfold.Domain.measured`) a regression; a table of 0 and 1 attributes, of other numbers
    a regression with several outputs.
    """
    y = domain.known
    if y.ndim == 2:
        return Attributes() if _answers(y) else Regression()
    return Regression() if domain.measured else Classification()


def _average(total: Tensor, there: Tensor) -> Tensor:
    """Divide by how many labels are there, in the batches of all processes together."""
    count = there.sum().to(total.dtype)
    if world_size() > 1:  # a process may have fewer labels in its share than another
        dist.all_reduce(count)
        count = count / world_size()
    return total / torch.where(count > 0, count, 1.0)


def _names(y: NDArray[Any]) -> NDArray[Any]:
    """Write labels as classes are written: whole numbers as such, objects by what they are."""
    if y.dtype == object:
        y = np.array(y.tolist())
    return y.astype(np.int64) if y.dtype.kind == "f" and (y == np.round(y)).all() else y


def _columns(y: NDArray[Any]) -> NDArray[np.float64]:
    """Write labels as numbers (n, m)."""
    try:
        return y.astype(np.float64).reshape(len(y), -1)
    except (TypeError, ValueError):
        raise DataError("labels of a regression must be numbers; got names") from None


def _with_holes(domain: Domain, width: int) -> NDArray[np.float64]:
    """Return a domain's labels (n, width), NaN where there is none."""
    y = np.full((domain.n_rows, width), np.nan)
    if domain.y is not None and domain.labelled.any():
        known = _columns(domain.known)
        if known.shape[1] != width:
            raise DataError(
                f"labels of {domain.name or 'the domain'} must be of {width} outputs, as the "
                f"task is; got {known.shape[1]}"
            )
        y[domain.labelled] = known
    return y


def _answers(y: NDArray[Any]) -> bool:
    """Tell whether labels are only 0, 1 and missing."""
    numbers = _columns(y)
    return bool(np.isin(numbers[~np.isnan(numbers)], (0, 1)).all())
