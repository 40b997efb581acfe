"""Capabilities of methods: training a network, or a linear head on fixed features."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, ClassVar, final

from sklearn.base import clone
from torch import nn

from fourfold.core.parameters import Parameters, Positive
from fourfold.core.tasks import Classification, Task
from fourfold.errors import ParameterError
from fourfold.estimators.posing import fit_task
from fourfold.estimators.transfer import TransferEstimator
from fourfold.networks.builder import Builder
from fourfold.networks.cut import Cut
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.data.domain import Domain
    from fourfold.estimators.problem import ClassDescriptions, Given

__all__ = ["FitsHead", "LearnsLabels", "OnFeatures", "TrainsNetwork", "UsesRecipe"]


class UsesRecipe(Parameters):
    """An estimator with a recipe.

    Parameters
    ----------
    recipe
        Optimization of the network; None is the method's own, its ``default_recipe``.
    """

    recipe: Recipe | None = None

    default_recipe: ClassVar[Recipe] = Recipe()

    @property
    def training_recipe(self) -> Recipe:
        """The recipe of its trainings."""
        return self.recipe or self.default_recipe

    def _nested_default(self, name: str) -> Any:
        return clone(self.default_recipe) if name == "recipe" else None


class OnFeatures(Parameters):
    """An estimator on prepared inputs, or on the features of a frozen network.

    Parameters
    ----------
    network
        A network cut in two (:func:`~fourfold.networks.cut.cut`), whose frozen lower part gives the
        features; None for the prepared inputs.
    """

    network: Cut | None = None


class LearnsLabels(TransferEstimator, ABC):
    """A method that learns the target's labels, or the source's for the target.

    Parameters
    ----------
    task
        The task; None infers it from the labels.
    """

    task: Task | None = None

    @property
    @final
    def task_setting(self) -> Task | None:
        return self.task

    @final
    def infer_task(self, given: Given, classes: ClassDescriptions | None) -> Task:
        del classes
        if self.needs.same_labels and given.pretrained is not None:
            if given.pretrained.task is None:
                raise ParameterError(
                    "source must know its class names for this method; got a bare network: "
                    "use a fitted estimator or a saved model"
                )
            return given.pretrained.task
        labels = given.source if self.needs.same_labels else None
        task = fit_task(self.task, labels or given.target)
        if isinstance(task, Classification):
            task.check_class_weight()
        return task

    @final
    def infer_source_task(self, source: Domain, task: Task) -> Task | None:
        if self.needs.same_labels:
            return task
        return fit_task(self.task, source) if source.n_labelled else None


class TrainsNetwork(UsesRecipe, LearnsLabels, ABC):
    """A method that trains a network.

    Parameters
    ----------
    network
        A :class:`~fourfold.networks.Builder`, its name (``"mlp"``, ``"convnet"``,
        ``"timm:resnet18"``), any module without its head (it is copied), or a
        :class:`~fourfold.networks.cut.Cut`, of which only the upper part is trained; None chooses
        by the data.
    """

    network: nn.Module | Builder | str | None = None

    from_trained: ClassVar[tuple[str, ...]] = ("prepare", "network")


class FitsHead(OnFeatures, LearnsLabels, ABC):
    """A method that fits a linear head on fixed features.

    Parameters
    ----------
    alpha
        L2 penalty of the linear model, for standardized features: 1/C of the logistic regression,
        alpha of the ridge regression; None chooses by cross-validation on the labels.
    """

    alpha: Positive | None = None

    renamed: ClassVar[dict[str, str]] = {"strength": "alpha"}

    def _check_together(self) -> None:
        if isinstance(self.task, Classification) and self.task.smoothing:
            raise ParameterError(
                f"smoothing of the task must be 0 for {type(self).__name__}, which solves logistic "
                f"regression; got {self.task.smoothing}"
            )
