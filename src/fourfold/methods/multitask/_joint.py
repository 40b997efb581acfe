"""What the methods that train a network on several tasks have in common.

A method says in ``_learn`` how it learns; what is around it is here. Each task's part of the
network is a :class:`~fourfold.methods.multitask._member.Member`, an estimator like any other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self, final

from safetensors.torch import load_file, save_file
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.tasks import TASKS, Classification
from fourfold.errors import DataError, ParameterError
from fourfold.estimators import network_files as persistence
from fourfold.estimators.contracts import JointEstimator
from fourfold.estimators.problem import Model
from fourfold.estimators.trained import Trained
from fourfold.methods.multitask._member import Member
from fourfold.networks.builder import Builder
from fourfold.preparation.choose import Preparation
from fourfold.training.checkpoint import training_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fourfold.core.findings import Finding
    from fourfold.data.domain import Domain
    from fourfold.estimators.problem import Job
    from fourfold.training.phases import History

__all__ = ["JointNetworkEstimator"]


class JointNetworkEstimator(Trained, JointEstimator, ABC):
    """A method that trains one network, or several that share layers, on several tasks.

    Parameters
    ----------
    network
        What features are learnt with: see :class:`~fourfold.estimators.network.NetworkEstimator`.
    prepare
        Preprocessing, fitted without labels; None chooses from the data.
    recipe
        How it is trained; None is the method's own.
    random_state
        Seed of everything random.

    Attributes
    ----------
    members_
        Task → its model, an estimator of its own; layers that are shared are the same objects.
    history_
        Losses and seconds of the training.
    findings_
        What else was found out, for the report.
    """

    network: nn.Module | Builder | str | None = None
    prepare: Preparation | FrozenEstimator | None = None

    @abstractmethod
    def _members(self, tasks: Mapping[str, Domain]) -> dict[str, Member]:
        """Make an unfitted estimator for each task, or refuse what cannot be learnt together."""

    @abstractmethod
    def _learn(self, jobs: Mapping[str, Job]) -> tuple[dict[str, Model], History]:
        """Train, and return the model of each task, and what happened."""

    @final
    def _fit(self, tasks: dict[str, Domain]) -> None:
        members = self._members(tasks)
        jobs = {}
        for name, member in members.items():
            member.check()
            try:
                jobs[name] = member.begin(tasks[name], [])
            except DataError as error:
                raise DataError(f"task {name!r}: {error}") from error
        self.findings_: list[Finding] = []
        with training_for(self.purpose):
            models, self.history_ = self._learn(jobs)
        for name, model in models.items():
            members[name].model_ = model.cpu().eval()
            members[name].findings_ = self.findings_
            members[name].history_ = self.history_
        self.members_ = members

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
        """Return what the network gives for each row in one of the tasks, not decoded: (n, k)."""
        return self.of(task).outputs(X)

    @final
    def predict(self, X: Any, *, task: str) -> NDArray[Any]:
        return self.of(task).predict(X)

    @final
    def predict_proba(self, X: Any, *, task: str) -> NDArray[np.float32]:
        """Predict each row's class probabilities in one of the tasks, (n, k)."""
        member = self.of(task)
        if not isinstance(member.task_, Classification):
            kind = type(member.task_).__name__
            raise ParameterError(f"task {task!r} must have classes for probabilities; got a {kind}")
        return member.task_.probabilities(member.outputs(X))

    @final
    def embed(self, X: Any, *, task: str) -> NDArray[np.float32]:
        """Return each row's features, before the head of one of the tasks: (n, d)."""
        return self.of(task).embed(X)

    @final
    def score(self, X: Any, y: Any, *, task: str) -> float:
        return self.of(task).score(X, y)

    def __sklearn_is_fitted__(self) -> bool:
        return "members_" in vars(self)

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
                save_file({k: v.contiguous() for k, v in head.items()}, place / persistence.WEIGHTS)
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
                model.head.load_state_dict(load_file(place / persistence.WEIGHTS))
                self.members_[name] = base.beside(task, model)
            else:
                network = self.network if isinstance(self.network, nn.Module) else None
                member = Member(network=network, recipe=self.recipe, random_state=self.random_state)
                self.members_[name] = member.load_fitted(place, about)
                member.network = member.network or member.builder_
        first = next(iter(self.members_.values()))
        self.history_, self.findings_ = first.history_, first.findings_
        if self.network is None and isinstance(first.network, str):
            self.network = first.network  # said when somebody wants to train it
        return self
