"""Contract and engine of estimators that learn a target with the help of a source."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, final

from torch import nn

from fourfold.algorithms.rejection import fit_rejection
from fourfold.core.process import seeded
from fourfold.data.domain import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.estimators import model_files, network_export
from fourfold.estimators.contracts import Estimator
from fourfold.estimators.model import Model
from fourfold.estimators.posing import PosesProblem, pose
from fourfold.estimators.problem import SourceNetwork
from fourfold.networks.builder import Body, Builder
from fourfold.networks.cut import Cut, headless
from fourfold.training.checkpoint import training_for

if TYPE_CHECKING:
    from pathlib import Path

    from fourfold.core.tasks import Task
    from fourfold.estimators.problem import Fitted, Problem

__all__ = ["Source", "TransferEstimator"]

Source: TypeAlias = "Domain | TransferEstimator | nn.Module | Builder"
"""Data, a fitted estimator (a loaded bundle is one), or a trained network to transfer from."""


class TransferEstimator(PosesProblem, ABC):
    """An estimator that learns a target with the help of a source: ``fit(X, y, source=...)``.

    The target is what you fit, the source is what you transfer from. A scikit-learn ``Pipeline``
    would transform the target alone, so preprocessing is a parameter of the method instead.

    A method implements :meth:`_learn`, from a :class:`~fourfold.estimators.problem.Problem` to a
    :class:`~fourfold.estimators.problem.Fitted`.
    """

    uses_target_labels: ClassVar[bool] = True
    """Whether the target's labels take part, where there are some."""
    uses_weights: ClassVar[bool] = True
    """Whether labels take part by the weights of their rows."""
    variants: ClassVar[Mapping[str, Sequence[Any]]] = {}
    """Values of a parameter of which a study tries each, where a method is given by its name."""
    from_trained: ClassVar[tuple[str, ...]] = ("prepare",)
    """Parameters that a trained source has settled already."""

    @final
    @classmethod
    def candidates(cls) -> list[Self]:
        """Return the unfitted variants that a study tries."""
        pairs = [(name, value) for name, values in cls.variants.items() for value in values]
        return [cls(**{name: value}) for name, value in pairs] or [cls()]

    @abstractmethod
    def _learn(self, problem: Problem) -> Fitted:
        """Learn the problem."""

    def restore_head(self, task: Task, width: int, state: Mapping[str, Any]) -> nn.Module:
        """Build the head of a saved model, whose weights come later."""
        del state
        return self.build_head(task, width)

    # --- fitting ---------------------------------------------------------------------------------

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
            A Domain, a fitted estimator, a network, a
            :class:`~fourfold.networks.Pretrained` one by name, or a list of these.

        Raises
        ------
        ParameterError
            If a hyper-parameter is out of its bounds, or a required source is not given.
        DataError
            If inputs or labels cannot be used; always before any training starts.
        """
        self.check()
        target = Domain.of(X, y, name="the target")
        sources = _listed(source)
        self._check_needs(target, sources)
        self._check_settled([one for one in sources if not isinstance(one, Domain)])
        with seeded(self.random_state):
            problem = pose(
                self,
                target if self.uses_target_labels else target.unlabelled(),
                [one if isinstance(one, Domain) else _pretrained(one) for one in sources],
            )
            if self.needs.same_labels:
                problem.task.encode(target)  # refuses classes that the source lacks
            with training_for(self.purpose):
                self.take(problem, _rejecting(problem, self._learn(problem)))
        return self

    def _check_needs(self, target: Domain, sources: Sequence[Source]) -> None:
        name = type(self).__name__
        if self.needs.source and not sources:
            raise ParameterError(
                f"{name} must have something to transfer from: fit(X, y, source=...); got no source"
            )
        if self.needs.target_labels and target.y is None:
            must = f"{name} requires y to be passed, but the target y is None"
            raise DataError(f"{must}: the target must have labels")
        if self.needs.target_labels and not target.n_labelled:
            raise DataError(f"the target of {name} must have at least one label; got only missing")
        for one in (target, *sources):
            weighted = isinstance(one, Domain) and one.annotations.weight is not None
            if weighted and not self.uses_weights:
                raise ParameterError(
                    f"sample_weight must be left out for {name}, to which all rows are alike; got "
                    "weights"
                )
        for source in sources:
            if self.needs.source_labels and isinstance(source, Domain) and not source.n_labelled:
                raise DataError(f"the source of {name} must have labels; got none")

    def _check_settled(self, trained: Sequence[TransferEstimator | nn.Module | Builder]) -> None:
        """Refuse parameters that would do nothing, as trained sources have settled them."""
        for one in trained:
            bare = isinstance(one, (nn.Module, Builder))
            theirs = one.get_params(deep=False) if isinstance(one, TransferEstimator) else {}
            for name in self.from_trained:
                own = getattr(self, name)
                free = name == "prepare" and not self.uses_source
                fresh = free or (bare and (name == "prepare" or isinstance(own, nn.Module)))
                if own is not None and not fresh and repr(own) != repr(theirs.get(name)):
                    raise ParameterError(
                        f"{name} of {type(self).__name__} must be left out beside a trained "
                        f"source, which has settled it; got {type(own).__name__}"
                    )

    @final
    def as_pretrained(self) -> SourceNetwork:
        """Return the fitted network as a source for another method, if it has one to train on."""
        self.check_fitted()
        model = self.fitted_.model
        if not isinstance(model, Model):
            raise ParameterError(
                f"source must be an estimator that trains a network; got {type(self).__name__}"
            )
        if model_files.only_predicts(model):
            raise ParameterError(
                "a saved model of the user's own network must be loaded with it to be trained on: "
                "load(path, network=...); got one that only predicts"
            )
        return SourceNetwork(model, self.task_, self.inputs_, self)

    @final
    def save_fitted(self, folder: Path) -> dict[str, Any]:
        for name, part in self.fitted_.files.items():
            part.save(folder / name)
        notes = model_files.write(folder, self.task_, self.inputs_, self.fitted_)
        own = type(self.network) if isinstance(self.network, nn.Module) else None
        module = own and f"{own.__module__}.{own.__qualname__}"
        return {**notes, "module": module}

    @final
    def load_fitted(self, folder: Path, notes: Mapping[str, Any]) -> Self:
        name, network = type(self).__name__, self.network
        own = network.rest if isinstance(network, Cut) else network
        module = own if isinstance(own, nn.Module) else None
        if notes["module"] and network is None:  # said when somebody wants to train it
            self.set_params(network=f"{notes['module']}: load(path, network=...) brings it")
        self.task_, self.inputs_, fitted = model_files.read(
            folder, notes, owner=name, module=module, head=self.restore_head
        )
        self.fitted_ = replace(fitted, files=self.load_files(folder, self.task_))
        return self

    def load_files(self, folder: Path, task: Task) -> dict[str, Any]:
        """Read the parts of the fitted state with files of their own."""
        del folder, task
        return {}

    @final
    def exportable(self) -> network_export.Exportable:
        """Return the fitted model as stages that can be written as one ONNX file."""
        self.check_fitted()
        name = type(self).__name__
        return network_export.exportable(name, self.task_, self.inputs_, self.fitted_)


def _rejecting(problem: Problem, fitted: Fitted) -> Fitted:
    """Let a model say that a row is of no known class, where it must and cannot."""
    if not problem.task.beyond:
        return fitted
    outputs = fitted.model.outputs(problem.target.rows)
    if outputs.shape[1] > problem.task.n_outputs:
        return fitted
    return replace(fitted, rejection=fit_rejection(outputs))


def _listed(source: Source | Sequence[Source] | None) -> list[Source]:
    if source is None:
        return []
    sources: list[Source] = []
    for one in source if isinstance(source, (list, tuple)) else [source]:
        if isinstance(one, Builder) and not one.trained:
            raise ParameterError(
                "source must be a network with the weights of a training; got random ones "
                f"({type(one).__name__}, weights=None)"
            )
        if not isinstance(one, (Domain, TransferEstimator, nn.Module, Builder)):
            several = isinstance(one, Estimator)
            hint = "take one task's model, .of(task)" if several else "wrap data as Domain(X, y)"
            raise ParameterError(
                "source must be a Domain, a fitted estimator, a network or a list of these; got "
                f"{type(one).__name__}: {hint}"
            )
        sources.append(one)
    return sources


def _pretrained(source: TransferEstimator | nn.Module | Builder) -> SourceNetwork:
    if isinstance(source, Builder):
        return SourceNetwork.by_name(source)
    if not isinstance(source, nn.Module):
        return source.as_pretrained()
    features, width = headless(source)  # its last layer is its head
    head = [module for module in source.modules() if isinstance(module, nn.Linear)][-1]
    return SourceNetwork(Model(Body({"network": features}, width), copy.deepcopy(head)))
