"""The interface of tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from fourfold.core.parameters import Parameters
from fourfold.core.process import world_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain

__all__ = ["Task", "count_everywhere", "mean_over_labels", "weighted"]


class Task(Parameters, ABC):
    """Encoding of labels, loss of outputs, and their predictions and score.

    Attributes
    ----------
    kind
        ``"classifier"``, ``"regressor"`` or ``"clusterer"`` in scikit-learn's words.
    has_classes
        Whether outputs are scores of classes, one of which is the label of a row.
    stratified
        Whether folds keep the proportions of the labels.
    linear_loss
        Loss of a linear model of the task; None if there is none.
    ragged
        Whether a row's outputs are of its frames, (T, k), as many as it has: answers to n rows are
        an array of n arrays.
    answer_name
        Name of the answers of an exported model.
    score_name
        The measure by which methods choose on held-out labels, in words.
    """

    kind: ClassVar[str]
    has_classes: ClassVar[bool] = False
    stratified: ClassVar[bool] = False
    linear_loss: ClassVar[Literal["logistic", "squared"] | None] = None
    ragged: ClassVar[bool] = False
    answer_name: ClassVar[str]
    score_name: ClassVar[str] = "minus the loss"

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Number of a network's outputs for a row, after :meth:`fit`."""

    @property
    def beyond(self) -> list[Any]:
        """Answers for rows of no category, whose outputs follow the others; mostly none."""
        return []

    @abstractmethod
    def fit(self, domain: Domain) -> Self:
        """Find the classes or the scale of the labels.

        Raises
        ------
        DataError
            If the domain has no label, or labels of another task.
        """

    @abstractmethod
    def encode(self, domain: Domain) -> Tensor:
        """Encode labels as a tensor, (n,) or (n, m), with a mark where one is missing."""

    def weigh(self, domain: Domain) -> Tensor | None:
        """Return the weights of a domain's labels in the loss, (n,); None where all are alike."""
        weight = domain.annotations.weight
        return None if weight is None else torch.from_numpy(weight.astype(np.float32))

    @abstractmethod
    def decode_labels(self, y: Tensor) -> NDArray[Any]:
        """Decode encoded labels, none of them missing, to the user's labels."""

    def joined(self, other: Task) -> Task:
        """Return the task with another one's outputs beside its own, where it takes more."""
        del other
        return self

    def outputs_in(self, source: Task) -> NDArray[np.int64] | None:
        """Return the position of each output among a source's, (n_outputs,), −1 for a fresh one.

        None where the source's last layer is no start for this task's.
        """
        alike = type(source) is type(self) and source.n_outputs == self.n_outputs
        return np.arange(self.n_outputs) if alike else None

    @abstractmethod
    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """Average the loss of outputs (B, n_outputs) over the known labels of y, encoded.

        Weights (B,) of the rows are 1 on average.
        """

    @abstractmethod
    def distillation_loss(
        self,
        outputs: Tensor,
        teacher: Tensor,
        temperature: float = 1.0,
        weight: Tensor | None = None,
    ) -> Tensor:
        """Average the distance of outputs to a teacher's, (B, n_outputs) both; least where equal.

        Classes and attributes are compared as probabilities at the temperature, times its square
        to keep the size of the gradient (Hinton et al. 2015); numbers as they are. Weights (B,) of
        the rows are 1 on average.
        """

    @abstractmethod
    def fisher_roots(self, outputs: Tensor) -> Tensor:
        """Return values (B, n_outputs) whose squared derivatives add up to the Fisher information.

        The Fisher information is the expected squared derivative of the log-likelihood, over labels
        drawn from outputs (B, n_outputs); numbers have unit variance.
        """

    @abstractmethod
    def decode(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        """Decode outputs (n, n_outputs) to predictions, the user's labels."""

    @abstractmethod
    def answers(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        """Compute the answers of an exported model from outputs (n, n_outputs)."""

    @abstractmethod
    def answer_module(self) -> nn.Module:
        """Return a module that computes :meth:`answers` in torch."""

    def notes(self) -> dict[str, str]:
        """Return notes in the file of an exported model, by name."""
        return {}

    @abstractmethod
    def score(
        self,
        y: NDArray[Any],
        outputs: NDArray[np.float32],
        weight: NDArray[np.floating[Any]] | None = None,
    ) -> float:
        """Score outputs (n, n_outputs) against labels, by weights (n,); higher is better."""

    @abstractmethod
    def rows_right(
        self, y: NDArray[Any], outputs: NDArray[np.float32]
    ) -> NDArray[np.float64] | None:
        """Return each row's share of right answers, (n,); None where none is simply right."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return the fitted values as JSON."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> Self:
        """Restore the fitted values from :meth:`state`."""

    def head(self, width: int) -> nn.Module:
        """Build a new last layer on features (B, width)."""
        return nn.Linear(width, self.n_outputs)


def mean_over_labels(losses: Tensor, known: Tensor, weight: Tensor | None = None) -> Tensor:
    """Average losses, (B,) or (B, m), over the known labels in the batches of all processes.

    Losses of unknown labels are 0; weights (B,) multiply those of a row.
    """
    count = count_everywhere(known).clamp(min=1)
    return weighted(losses, weight).sum() * (world_size() / count)


def count_everywhere(known: Tensor) -> Tensor:
    """Return the number of true values in the batches of all processes.

    Processes may have different numbers of labels in their shares.
    """
    count = known.sum()
    if world_size() > 1:
        dist.all_reduce(count)
    return count


def weighted(losses: Tensor, weight: Tensor | None) -> Tensor:
    """Multiply losses, (B,) or (B, m), by the weights (B,) of their rows."""
    return losses if weight is None else losses * weight.reshape(-1, *[1] * (losses.ndim - 1))
