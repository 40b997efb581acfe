"""The two contracts: learn a target with the help of a source, or several tasks at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeAlias, final

from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.core.parameters import Parameters
from fourfold.core.process import seeded
from fourfold.core.serialization import to_plain
from fourfold.data.domain import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.frozen.fingerprint import fingerprint
from fourfold.preparation.base import Preparation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fourfold.estimators.exportable import Exportable

__all__ = ["JointEstimator", "Needs", "Source", "TransferEstimator"]

Source: TypeAlias = "Domain | TransferEstimator | nn.Module"
"""What knowledge comes from: data, a fitted estimator (a loaded bundle is one), or a network."""


class Needs(NamedTuple):
    """What a method cannot do without.

    Attributes
    ----------
    source, source_labels, target_labels
        Whether there must be a source, whether it and the target must have labels.
    same_labels
        Whether the target's labels must be among the source's classes.
    classes
        Whether labels must be classes, and not numbers or several answers.
    described
        Whether the classes must be described.
    """

    source: bool = False
    source_labels: bool = False
    target_labels: bool = True
    same_labels: bool = False
    classes: bool = False
    described: bool = False


class _Persistent(Parameters, ABC):
    """What every estimator can do once it is fitted: be written to a folder, and read from it."""

    random_state: int = 0

    @abstractmethod
    def save_fitted(self, folder: Path) -> dict[str, Any]:
        """Write what was learnt into a folder, without pickle; return what JSON can hold of it."""

    @abstractmethod
    def load_fitted(self, folder: Path, notes: Mapping[str, Any]) -> Self:
        """Take over what :meth:`save_fitted` wrote."""

    def check_fitted(self) -> None:
        """Raise scikit-learn's NotFittedError before :meth:`fit`."""
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet: call fit first"
            )

    @final
    def identity(self) -> list[Any]:
        """Return all that a fit depends on besides the data, as JSON can hold it.

        That is the class and its parameters, weights of modules, and the content of a preparation
        that is fitted already.
        """
        given = self.get_params(deep=False)
        modules = {k: fingerprint(v) for k, v in given.items() if isinstance(v, nn.Module)}
        inner = {k: v.estimator for k, v in given.items() if isinstance(v, FrozenEstimator)}
        fitted = {k: v.digest for k, v in inner.items() if isinstance(v, Preparation)}
        return [to_plain(self), modules, fitted]

    @abstractmethod
    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is something to predict with."""


class TransferEstimator(_Persistent, ABC):
    """Learns a target with the help of a source: ``fit(X, y, source=...)``.

    The target is what you fit, the source is what you transfer from. A scikit-learn ``Pipeline``
    would transform the target alone, so preprocessing is a parameter of the method instead.

    Attributes
    ----------
    needs
        What the method cannot do without.
    """

    needs: ClassVar[Needs] = Needs()

    @final
    def fit(
        self, X: Any, y: Any = None, *, source: Source | Sequence[Source] | None = None
    ) -> Self:
        """Learn the target.

        Parameters
        ----------
        X
            (n, ...) the target's inputs, or a Domain with its labels.
        y
            (n,) or (n, m) its labels, some or all of which may be missing; None if there are none.
        source
            What to transfer from: a Domain, a fitted estimator, a network, or a list of these.

        Raises
        ------
        ParameterError
            If a hyper-parameter is out of its bounds, or a source that is needed is not given.
        DataError
            If inputs or labels cannot be used; always before any training starts.
        """
        self.check()
        target = Domain.of(X, y, name="the target")
        sources = _sources(source)
        self._refuse(target, sources)
        with seeded(self.random_state):
            self._fit(target, sources)
        return self

    @abstractmethod
    def _fit(self, target: Domain, sources: list[Source]) -> None:
        """Learn; parameters are checked and the random state is our own."""

    @abstractmethod
    def exportable(self) -> Exportable:
        """Return the fitted model as stages that can be written as one ONNX file."""

    @abstractmethod
    def predict(self, X: Any) -> NDArray[Any]:
        """Predict each row's label: (n,) or (n, m)."""

    @abstractmethod
    def score(self, X: Any, y: Any) -> float:
        """Rate predictions for X against y; higher is better."""

    def _refuse(self, target: Domain, sources: list[Source]) -> None:
        """Say what is missing before training starts."""
        name = type(self).__name__
        if self.needs.source and not sources:
            raise ParameterError(
                f"{name} must have something to transfer from: fit(X, y, source=...); got no source"
            )
        if self.needs.target_labels and target.y is None:
            raise DataError(
                f"{name} requires y to be passed, but the target y is None: the target must have "
                "labels"
            )
        if self.needs.target_labels and not target.n_labelled:
            raise DataError(f"the target of {name} must have at least one label; got only missing")
        for source in sources:
            if self.needs.source_labels and isinstance(source, Domain) and not source.n_labelled:
                raise DataError(f"the source of {name} must have labels; got none")


class JointEstimator(_Persistent, ABC):
    """Learns several tasks that all matter: ``fit({"name": Domain, ...})``."""

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
        """Learn; parameters are checked and the random state is our own."""

    @classmethod
    @abstractmethod
    def candidates(cls, tasks: Mapping[str, Domain]) -> list[Self]:
        """Return what is worth trying on these tasks where nobody says more."""

    @abstractmethod
    def of(self, task: str) -> TransferEstimator:
        """Return what was learnt of one task as an estimator of its own.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ParameterError
            If there is no such task; the message names those that there are.
        """

    @abstractmethod
    def outputs(self, X: Any, *, task: str) -> NDArray[np.float32]:
        """Return what is said of each row in one of the tasks, before decoding: (n, k)."""

    @abstractmethod
    def predict(self, X: Any, *, task: str) -> NDArray[Any]:
        """Predict each row's label in one of the tasks."""

    @abstractmethod
    def score(self, X: Any, y: Any, *, task: str) -> float:
        """Rate predictions for X against y in one of the tasks; higher is better."""


def _sources(source: Source | Sequence[Source] | None) -> list[Source]:
    if source is None:
        return []
    given = source if isinstance(source, (list, tuple)) else [source]
    sources: list[Source] = []
    for one in given:
        if not isinstance(one, (Domain, TransferEstimator, nn.Module)):
            joint = isinstance(one, JointEstimator)
            hint = "take one task's model, .of(task)" if joint else "wrap data as Domain(X, y)"
            raise ParameterError(
                "source must be a Domain, a fitted estimator, a network or a list of these; got "
                f"{type(one).__name__}: {hint}"
            )
        sources.append(one)
    return sources
