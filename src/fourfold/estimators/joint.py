"""Contract of estimators that learn several tasks at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, final

from fourfold.core.process import seeded
from fourfold.data.domain import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.contracts import Estimator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fourfold.estimators.transfer import TransferEstimator

__all__ = ["JointEstimator"]


class JointEstimator(Estimator, ABC):
    """An estimator of several tasks that all matter: ``fit({"name": Domain, ...})``."""

    @final
    def fit(self, tasks: Mapping[str, Domain]) -> Self:
        """Learn all tasks.

        Parameters
        ----------
        tasks
            A labelled Domain for each task's name; they may differ in rows, inputs and labels.

        Raises
        ------
        ParameterError
            If a hyper-parameter is out of its bounds.
        DataError
            If there is no task, or one without labels.
        """
        self.check()
        if not isinstance(tasks, Mapping) or not all(isinstance(d, Domain) for d in tasks.values()):
            raise ParameterError(
                "tasks must be names with a Domain each, fit({'name': Domain(X, y), ...}); got "
                f"{type(tasks).__name__}"
            )
        if not tasks:
            raise DataError("there must be at least one task; got none")
        for name, domain in tasks.items():
            if not domain.n_labelled:
                raise DataError(f"task {name!r} must have labels; got none")
        with seeded(self.random_state):
            self._fit(dict(tasks))
        return self

    @abstractmethod
    def _fit(self, tasks: dict[str, Domain]) -> None:
        """Learn; parameters are checked and the random state is the estimator's own."""

    @classmethod
    @abstractmethod
    def candidates(cls, tasks: Mapping[str, Domain]) -> list[Self]:
        """Return the variants that a study tries on these tasks by default."""

    @abstractmethod
    def of(self, task: str) -> TransferEstimator:
        """Return the model of one task as an estimator of its own.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ParameterError
            If there is no such task; the message names those that there are.
        """

    @abstractmethod
    def outputs(self, X: Any, *, task: str) -> NDArray[np.float32]:
        """Return the outputs (n, k) for each row in one of the tasks, before decoding."""

    @abstractmethod
    def predict(self, X: Any, *, task: str) -> NDArray[Any]:
        """Predict each row's label in one of the tasks."""

    @abstractmethod
    def score(self, X: Any, y: Any, sample_weight: Any = None, *, task: str) -> float:
        """Rate predictions for X against y in one of the tasks, by weights (n,)."""
