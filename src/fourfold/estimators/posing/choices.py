"""Choices of a method that turn domains into its problem."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from sklearn.frozen import FrozenEstimator

from fourfold.estimators.predicting import Predicts
from fourfold.networks import choose
from fourfold.preparation.base import Preparation
from fourfold.preparation.choose import TableView, default_preparation
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.data.rows import Rows
    from fourfold.estimators.problem import ClassDescriptions, Given
    from fourfold.networks.builder import Builder

__all__ = ["PosesProblem"]


class PosesProblem(Predicts, ABC):
    """The choices of a method that turn domains into its problem.

    Parameters
    ----------
    prepare
        Preprocessing, fitted on both domains and applied to both; where there is no transfer,
        fitted on the target alone. It may learn from the labels of the source, or else of the
        target, and prepares each of their rows by the labels of others. In scikit-learn's
        ``FrozenEstimator``, one that is fitted already and stays as it is. None chooses by the
        data, and leaves inputs as they are for a network of the user's.
    """

    prepare: Preparation | FrozenEstimator | None = None

    uses_source: ClassVar[bool] = True
    """Whether the source takes part; no part of it reaches a baseline without transfer."""

    sources_in_turn: ClassVar[bool] = False
    """Whether several sources are taken one by one, as ``problem.chain``, and not pooled."""

    @property
    def network(self) -> Any:
        """The network that the user asked for; a parameter where a method has one."""
        return None

    @property
    def takes_network(self) -> bool:
        """Whether it builds on a whole network, with the inputs that this had."""
        return False

    def recipe_for(self, task: Task, network: Recipe | None = None) -> Recipe:
        """Return the recipe of its trainings, beside that of a trained network, if there is one."""
        del task, network
        return Recipe()

    def describe_classes(self, given: Given) -> ClassDescriptions | None:
        """Return descriptions of the classes, where the method recognizes them by these."""
        del given
        return None

    @abstractmethod
    def infer_task(self, given: Given, classes: ClassDescriptions | None) -> Task:
        """Return the target's task, fitted."""

    def infer_source_task(self, source: Domain, given: Given, task: Task) -> Task | None:
        """Return the source's task, fitted; None where its labels are not used."""
        del source, given, task
        return None

    @property
    def table_view(self) -> TableView:
        """The view in which it takes the rows of a table."""
        return "words"

    def choose_preparation(self, rows: Sequence[Rows], *, user_network: bool) -> Preparation:
        """Choose a preparation, not yet fitted, for all domains' rows."""
        return default_preparation(*rows, user_network=user_network)

    def choose_network(self, shape: tuple[int, ...]) -> Builder:
        """Choose a network for rows of a shape, where none is asked for, nor frames."""
        return choose(shape)

    def check_for(self, task: Task, prepare: Preparation) -> None:
        """Refuse parameters that do not suit a task, or rows behind a fitted preparation."""
        del task, prepare

    def build_head(self, task: Task, width: int) -> nn.Module:
        """Build a fresh head on features (B, width); a method may have its own."""
        return task.head(width)
