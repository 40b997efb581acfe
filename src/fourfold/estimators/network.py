"""Capabilities of methods: training a network, or a linear head on fixed features."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, ClassVar, final

from sklearn.base import clone
from torch import nn

from fourfold.core.parameters import Parameters, Positive
from fourfold.core.tasks import Classification, Regression, Task
from fourfold.data.kinds import label_kind
from fourfold.errors import ParameterError
from fourfold.estimators.posing import check_several, fit_task
from fourfold.estimators.transfer import TransferEstimator
from fourfold.estimators.warm_start import Head
from fourfold.networks.builder import Builder
from fourfold.networks.cut import Cut
from fourfold.training.recipe import SPEECH, Recipe

if TYPE_CHECKING:
    from fourfold.data.domain import Domain
    from fourfold.estimators.problem import ClassDescriptions, Given

__all__ = [
    "FitsHead",
    "LearnsLabels",
    "OnFeatures",
    "SolvesHead",
    "StartsFromHead",
    "TrainsNetwork",
    "UsesRecipe",
]


class UsesRecipe(Parameters):
    """An estimator with a recipe.

    Parameters
    ----------
    recipe
        Optimization of the network; None is the method's own, its ``default_recipe``.
    """

    recipe: Recipe | None = None

    default_recipe: ClassVar[Recipe] = Recipe()

    def recipe_for(self, task: Task, network: Recipe | None = None) -> Recipe:
        """Return the recipe that was asked for, or a trained network's, or the usual of a task."""
        return self.recipe or network or (SPEECH if task.ragged else self.default_recipe)

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
        The task; None infers it from the labels of the target and of the source together.
    """

    task: Task | None = None

    @property
    def keeps_classes(self) -> bool:
        """Whether classes of a source that no label of the target is of yet stay possible."""
        return False

    @property
    @final
    def task_setting(self) -> Task | None:
        return self.task

    @final
    def infer_task(self, given: Given, classes: ClassDescriptions | None) -> Task:
        del classes
        task = self._task_of(given)
        if isinstance(task, Classification):
            task.check_class_weight()
        return task

    def _task_of(self, given: Given) -> Task:
        target, source = given.target, given.source
        if self.needs.same_labels:
            return self._sources_task(given)
        if source is None or not source.n_labelled:
            task, trained = fit_task(self.task, target), given.pretrained
            known = None if trained is None else trained.task
            return task.joined(known) if self.keeps_classes and known is not None else task
        task = fit_task(self.task, target, source)
        return _with_classes_of(source, task, target) if self.keeps_classes else task

    def _sources_task(self, given: Given) -> Task:
        """Return the source's task, in the units of the target's numbers where it has labels."""
        task = given.pretrained.task if given.pretrained is not None else None
        if task is not None:
            own = self.task if type(self.task) is type(task) else task
            task = clone(own).restore(task.state())
        elif given.pretrained is not None:
            raise ParameterError(
                "source must know its class names for this method; got a bare network: "
                "use a fitted estimator or a saved model"
            )
        else:
            task = fit_task(self.task, given.source or given.target, given.target)
        needed = self.needs.target_labels
        if isinstance(task, Classification) and needed:
            check_several(given.target, given.target.counts)
        if not isinstance(task, Regression) or not given.target.n_labelled:
            return task
        task.encode(given.target)  # refuses another number of outputs
        return Regression().fit(given.target) if needed else task.moved_to(given.target)

    @final
    def infer_source_task(self, source: Domain, given: Given, task: Task) -> Task | None:
        if not source.n_labelled:
            return None
        if self.needs.same_labels:
            return Regression().fit(source) if isinstance(task, Regression) else task
        return fit_task(self.task, source, given.target)


def _with_classes_of(source: Domain, task: Task, target: Domain) -> Task:
    """Add the source's classes to the target's, where these are some of them."""
    if not isinstance(task, Classification) or label_kind(source, target) != "classes":
        return task.joined(fit_task(task, source)) if task.ragged else task
    wider = clone(task).fit(source)
    known = wider.codes(task.classes_)
    lacking = (known < 0).any() or len(known) == len(wider.classes_)
    return task if lacking else wider.taught_by(target)


class TrainsNetwork(UsesRecipe, LearnsLabels, ABC):
    """A method that trains a network.

    Parameters
    ----------
    network
        A :class:`~fourfold.networks.Builder`, its name (``"mlp"``, ``"convnet"``,
        ``"conv1d"``, or a :class:`~fourfold.networks.Pretrained` one, ``"timm:resnet18"``), any
        module without its head (it is copied), or a :class:`~fourfold.networks.cut.Cut`, of which
        only the upper part is trained; None chooses by the data.
    """

    network: nn.Module | Builder | str | None = None

    from_trained: ClassVar[tuple[str, ...]] = ("prepare", "network")

    @property
    def takes_network(self) -> bool:
        """Whether it builds on a whole network, with the inputs that this had."""
        return True


class StartsFromHead(TrainsNetwork, ABC):
    """A method that may start from the source's last layer.

    Where the target's classes are some of those of a source with data, the others stay possible:
    the last layer keeps them, and no label of the target counts against them.

    Parameters
    ----------
    head
        ``"new"`` starts a fresh last layer; ``"source"`` starts from the source's; ``"auto"`` does
        so where it can: where every class of the target is among the source's, or both have as
        many answers, or as many numbers, which are refitted to the target's labels.
    """

    head: Head = "auto"

    @property
    @final
    def keeps_classes(self) -> bool:
        """Whether classes of a source that no label of the target is of yet stay possible."""
        return self.head != "new"


class SolvesHead(OnFeatures, LearnsLabels, ABC):
    """A method that solves a head on fixed features."""

    def _check_together(self) -> None:
        if isinstance(self.task, Classification) and self.task.smoothing:
            raise ParameterError(
                f"smoothing of the task must be 0 for {type(self).__name__}, whose head is solved, "
                f"not trained; got {self.task.smoothing}"
            )


class FitsHead(SolvesHead, ABC):
    """A method that fits a linear head on fixed features.

    Parameters
    ----------
    alpha
        L2 penalty of the linear model, for standardized features: 1/C of the logistic regression,
        alpha of the ridge regression; None chooses by cross-validation on the labels.
    """

    alpha: Positive | None = None

    renamed: ClassVar[dict[str, str]] = {"strength": "alpha"}
