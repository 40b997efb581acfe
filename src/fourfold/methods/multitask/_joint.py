"""Base of the methods that train a network on several tasks.

A method implements ``_learn``. Each task's part of the network is a :class:`Member`, an estimator
like any other.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, final

from safetensors.torch import load_file, save_file
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.tasks import TASKS, Attributes, Classification, infer_task
from fourfold.errors import DataError, ParameterError
from fourfold.estimators import model_files
from fourfold.estimators.contracts import Needs
from fourfold.estimators.joint import JointEstimator
from fourfold.estimators.model import Model
from fourfold.estimators.network import TrainsNetwork, UsesRecipe
from fourfold.estimators.posing import pose
from fourfold.estimators.problem import Fitted
from fourfold.estimators.supervised import supervise
from fourfold.networks.builder import Builder
from fourfold.preparation.choose import Preparation
from fourfold.training.checkpoint import training_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fourfold.core.findings import Finding
    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.estimators.problem import Problem
    from fourfold.training.phases import History

__all__ = ["JointNetworkEstimator", "Member"]


@final
class Member(TrainsNetwork):
    """One task of a joint model: it predicts, is saved and exported like any other estimator.

    Fitted anew, by itself, it learns its task alone.
    """

    needs: ClassVar[Needs] = Needs(transcripts=True)

    def _learn(self, problem: Problem) -> Fitted:
        model = problem.model(problem.body())
        return Fitted(model, supervise(model, problem.task, problem.target, problem.recipe))

    def for_task(self, task: Task, model: Model) -> Self:
        """Return the member for another task on the same inputs."""
        other = copy.copy(self)
        other.task_, other.fitted_ = task, Fitted(model, self.history_, self.findings_)
        return other


class JointNetworkEstimator(UsesRecipe, JointEstimator, ABC):
    """A method that trains one network, or several that share layers, on several tasks.

    Parameters
    ----------
    network
        As in :class:`~fourfold.estimators.network.TrainsNetwork`.
    prepare
        Preprocessing, fitted without labels; None chooses from the data.
    class_weight
        Weights of the classes of each task that has some, as in
        :class:`~fourfold.core.tasks.Classification`.
    random_state
        Seed of everything random.

    Attributes
    ----------
    members_
        Task → its model, an estimator of its own; shared layers are the same objects.
    """

    network: nn.Module | Builder | str | None = None
    prepare: Preparation | FrozenEstimator | None = None
    class_weight: Literal["balanced"] | None = None

    @abstractmethod
    def _members(self, tasks: Mapping[str, Domain]) -> dict[str, Member]:
        """Make an unfitted estimator for each task, or refuse tasks that do not go together."""

    @abstractmethod
    def _learn(self, problems: Mapping[str, Problem]) -> dict[str, Fitted]:
        """Learn all problems together."""

    @final
    def member(
        self,
        domain: Domain,
        network: nn.Module | Builder | str | None,
        prepare: Preparation | FrozenEstimator | None,
        n_tasks: int,
    ) -> Member:
        """Make an unfitted estimator for the data of one of several tasks.

        It has this one's recipe and seed. By default utterances of all tasks share a step of usual
        size, and are passed as many times more as there are tasks: with few prompts each, it is the
        number of steps that counts, and a network of several needs more until it knows them all.
        """
        kind, seed, task = infer_task(domain), self.random_state, None
        recipe = self.recipe_for(kind)
        if self.recipe is None and kind.ragged:
            size, epochs = math.ceil(recipe.batch_size / n_tasks), recipe.epochs * n_tasks
            recipe = recipe.but(batch_size=size, epochs=epochs)
        if self.class_weight is not None and isinstance(kind, Classification):
            task = Classification(class_weight=self.class_weight)
        return Member(task=task, network=network, prepare=prepare, recipe=recipe, random_state=seed)

    @final
    def _fit(self, tasks: dict[str, Domain]) -> None:
        members = self._members(tasks)
        problems = {}
        for name, member in members.items():
            member.check()
            try:
                problems[name] = pose(member, tasks[name], [])
            except DataError as error:
                raise DataError(f"task {name!r}: {error}") from error
        with training_for(self.purpose):
            fitted = self._learn(problems)
        self.members_ = {
            name: member.take(problems[name], fitted[name]) for name, member in members.items()
        }

    @property
    def history_(self) -> History:
        """Losses and seconds of the training."""
        return self._first.history_

    @property
    def findings_(self) -> list[Finding]:
        """Curves, tables and facts for the report."""
        return self._first.findings_

    @property
    def _first(self) -> Member:
        return next(iter(self.members_.values()))

    # --- predicting ------------------------------------------------------------------------------

    @final
    def of(self, task: str) -> Member:
        """Return one task's model as an estimator of its own, which shares its layers."""
        self.check_fitted()
        if task not in self.members_:
            known = ", ".join(map(repr, self.members_))
            raise ParameterError(f"task must be one of {known}; got {task!r}")
        return self.members_[task]

    @final
    def outputs(self, X: Any, *, task: str) -> NDArray[np.float32]:
        """Return the network's outputs for each row in one of the tasks, not decoded: (n, k)."""
        return self.of(task).outputs(X)

    @final
    def predict(self, X: Any, *, task: str) -> NDArray[Any]:
        return self.of(task).predict(X)

    @final
    def predict_proba(self, X: Any, *, task: str) -> NDArray[np.float32]:
        """Predict each row's probabilities in a task, (n, k): of classes, or of each yes."""
        member = self.of(task)
        if not isinstance(member.task_, (Attributes, Classification)):
            kind = type(member.task_).__name__
            raise ParameterError(f"task {task!r} must have classes for probabilities; got a {kind}")
        probabilities: NDArray[np.float32] = member.predict_proba(X)
        return probabilities

    @final
    def embed(self, X: Any, *, task: str) -> NDArray[np.float32]:
        """Return each row's features, before the head of one of the tasks: (n, d)."""
        return self.of(task).embed(X)

    @final
    def score(self, X: Any, y: Any, sample_weight: Any = None, *, task: str) -> float:
        return self.of(task).score(X, y, sample_weight)

    def __sklearn_is_fitted__(self) -> bool:
        return "members_" in self.__dict__

    # --- saving ----------------------------------------------------------------------------------

    @final
    def save_fitted(self, folder: Path) -> dict[str, Any]:
        """Write each task's model; one that stands on another's body adds only its head."""
        written: dict[int, str] = {}
        notes: dict[str, Any] = {}
        for i, (name, member) in enumerate(self.members_.items()):
            place, body = folder / f"task-{i}", id(member.model_.body)
            place.mkdir()
            if body in written:
                head = member.model_.head.state_dict()
                save_file({k: v.contiguous() for k, v in head.items()}, place / model_files.WEIGHTS)
                own = {"task": to_plain(member.task_), "task_state": member.task_.state()}
                notes[name] = {"on": written[body], **own}
            else:
                written[body] = name
                notes[name] = member.save_fitted(place)
        return {"tasks": notes}

    @final
    def load_fitted(self, folder: Path, notes: Mapping[str, Any]) -> Self:
        self.members_ = {}
        for i, (name, about) in enumerate(notes["tasks"].items()):
            place = folder / f"task-{i}"
            if "on" in about:
                base = self.members_[about["on"]]
                task = from_plain(about["task"], TASKS).restore(about["task_state"])
                model = Model(base.model_.body, task.head(base.model_.body.width)).eval()
                model.head.load_state_dict(load_file(place / model_files.WEIGHTS))
                self.members_[name] = base.for_task(task, model)
            else:
                network = self.network if isinstance(self.network, nn.Module) else None
                member = Member(network=network, recipe=self.recipe, random_state=self.random_state)
                self.members_[name] = member.load_fitted(place, about)
                member.network = member.network or member.model_.builder
        if self.network is None and isinstance(self._first.network, str):
            self.network = self._first.network  # said when somebody wants to train it
        return self
