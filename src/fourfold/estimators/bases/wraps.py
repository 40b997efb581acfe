"""Capabilities of methods that wrap a line or boosted trees, and train no network."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar, final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from fourfold.algorithms.additive.boosting import loads_lightgbm
from fourfold.algorithms.additive.model import Additive
from fourfold.core.parameters import Positive  # noqa: TC001  read from the annotations
from fourfold.errors import ParameterError
from fourfold.estimators.bases.base import Line, Trees
from fourfold.estimators.bases.features import Features, check_directions, goal_of
from fourfold.estimators.bases.foreign import Foreign, check_answers, check_base
from fourfold.estimators.bases.heads import OnnxHead, head_of, linear_head
from fourfold.estimators.bases.source import (
    learn_source,
    source_in_units,
    target_in_source_units,
    units,
)
from fourfold.estimators.network import SolvesHead
from fourfold.estimators.problem import Fitted
from fourfold.preparation.choose import default_preparation, in_view

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from fourfold.algorithms.additive.goal import Goal
    from fourfold.algorithms.samples import Sample
    from fourfold.core.findings import Finding
    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.bases.base import Base, Learnt, Scored
    from fourfold.estimators.bases.features import Directions
    from fourfold.estimators.problem import Problem
    from fourfold.preparation.choose import Preparation, TableView

Floats: TypeAlias = "NDArray[np.float64]"

__all__ = ["BaseName", "Boosts", "Ground", "Wraps", "WrapsBase"]

Option = TypeVar("Option")

BaseName: TypeAlias = Literal["linear", "boosting"]
"""Logistic or ridge regression; or trees boosted by LightGBM."""


@final
class Ground(NamedTuple):
    """A problem as methods on bases see it: features and labels of samples."""

    problem: Problem
    features: Features
    goal: Goal
    target: Sample

    @classmethod
    def of(cls, problem: Problem) -> Ground:
        """Return the features of a problem, and its target's labelled rows."""
        features = Features.of(problem)
        target = features.sample(problem.target)
        return cls(problem, features, goal_of(problem.task), target)

    @property
    def source(self) -> Sample:
        """The source's labelled rows, numbers in the target's units."""
        return source_in_units(self.problem, self.features.sample(self.problem.source_data))

    @property
    def units(self) -> tuple[Floats, Floats]:
        """Slopes and shifts from scores of the source to the target's units."""
        return units(self.problem, self.goal.columns)

    def line(self, alpha: float | None = None) -> Line:
        """Return a line for these features."""
        return Line(self.features, self.goal, alpha)

    def trees(self, directions: Directions | None = None) -> Trees:
        """Return trees for these features.

        Raises
        ------
        ParameterError
            If directions do not fit the features.
        """
        asked = self.features.directions(directions)
        return Trees(self.features, self.goal, self.problem.seed, directions=asked)

    def boosting(self, directions: Directions | None = None) -> Base:
        """Return trees for these features, of scikit-learn where LightGBM cannot be loaded.

        Raises
        ------
        ParameterError
            As :meth:`trees` does.
        """
        if loads_lightgbm() or directions:
            return self.trees(directions)
        numbers = self.goal.kind == "numbers"
        trees = HistGradientBoostingRegressor() if numbers else HistGradientBoostingClassifier()
        return Foreign(trees.set_params(random_state=0), self.features, self.goal, views=True)

    def learn_source(self, base: Base) -> Learnt:
        """Learn the source once, in its own units."""
        return learn_source(self.problem, self.features, base)

    def source_model(self, base: Base) -> Scored:
        """Return a model of the source, in the target's units."""
        return self.learn_source(base).model.scaled(*self.units)

    def refitted(self, trees: Trees, decay: float) -> Additive:
        """Return the source's model with leaves refitted to the target, in the target's units."""
        learnt = self.learn_source(trees)
        rows = target_in_source_units(self.problem, self.target)
        texts = trees.refit(learnt.texts, rows, decay)
        return trees.read(texts).scaled(*self.units)

    def corrected(self, base: Base, alpha: float | None) -> tuple[Additive, float]:
        """Add a line on the target to a model of the source; return both, and the line's alpha."""
        source = self.source_model(base)
        if not isinstance(source, Additive):
            raise TypeError("a line can be added to lines and trees alone")
        offset = source.scores(self.target.x)
        chosen = self.line(alpha).alpha_for(self.target, offset)
        return source.plus(self.line(chosen).fit(self.target, offset)), chosen

    def best(self, options: Sequence[Option], fit: Callable[[Sample, Option], Scored]) -> Option:
        """Return the first option, or one whose loss of held-out target rows is surely smaller.

        That is the least loss, if it is smaller by more than a standard error of the difference:
        few labels tell little. Where no rows can be held out, it is the first option.
        """
        rows, goal = self.target, self.goal
        folds = rows.splits(stratified=goal.kind == "classes")
        if not folds:
            return options[0]

        def losses(option: Option) -> Floats:
            parts = []
            for learnt, held in folds:
                asked = rows.at(held)
                each = goal.losses(fit(rows.at(learnt), option).scores(asked.x), asked.y)
                parts.append(asked.weight * np.nan_to_num(each))
            return np.concatenate(parts)

        tried = np.stack([losses(option) for option in options])
        gains = tried[0] - tried
        sure = gains.mean(axis=1) - gains.std(axis=1) / np.sqrt(gains.shape[1])
        least = int(tried.mean(axis=1).argmin())
        return options[least if sure[least] > 0 else 0]

    def fitted(self, model: Scored, *findings: Finding) -> Fitted:
        """Return a model as a method's result."""
        head = head_of(model)
        state = {"head_": ["onnx" if isinstance(head, OnnxHead) else "linear", model.start]}
        return Fitted(self.features.model(head), findings=findings, state=state)


class Wraps(SolvesHead, ABC):
    """A method whose model is additive, a line or trees, on the features of a table or of vectors.

    It trains no network.
    """

    @property
    def boosts(self) -> bool:
        """Whether trees take part; tables then keep missing cells and categories for these."""
        return True

    @property
    @final
    def table_view(self) -> TableView:
        return "trees" if self.boosts else "axes"

    @final
    def choose_preparation(self, rows: Sequence[Rows], *, user_network: bool) -> Preparation:
        chosen = default_preparation(*rows, user_network=user_network)
        return in_view(chosen, self.table_view)

    @final
    def restore_head(self, task: Task, width: int, state: Mapping[str, Any]) -> nn.Module:
        kind, start = state["head_"]
        return OnnxHead() if kind == "onnx" else linear_head(width, task.n_outputs, start)


class Boosts(Wraps, ABC):
    """A method with boosted trees.

    Parameters
    ----------
    monotonic_cst
        Directions of trees, as in scikit-learn: for tables a dict, column of numbers → 1 where
        numbers, or log-odds of the second class, may only rise with it, −1 where they may only
        fall; for vectors one of 1, 0 and −1 for each feature. None asks for none.
    """

    monotonic_cst: dict[str, int] | tuple[int, ...] | None = None

    def _check_together(self) -> None:
        super()._check_together()
        given = self.monotonic_cst
        values = given.values() if isinstance(given, dict) else given or ()
        if strange := [value for value in values if value not in {-1, 0, 1}]:
            raise ParameterError(
                f"monotonic_cst must be of −1, 0 and 1 alone; got {strange[0]!r:.40}"
            )

    def check_for(self, task: Task, prepare: Preparation) -> None:
        check_directions(self.monotonic_cst, goal_of(task), prepare)


class WrapsBase(Boosts, ABC):
    """A method that wraps a model of either kind.

    Parameters
    ----------
    base
        The model: ``"linear"``, logistic or ridge regression; ``"boosting"``, trees boosted by
        LightGBM, or by scikit-learn where that cannot be loaded; or an estimator of scikit-learn
        that takes weights, gives probabilities of classes, and that skl2onnx can convert.
    alpha
        L2 penalty of the linear model, for standardized features; None chooses by cross-validation.
    """

    base: BaseName | BaseEstimator = "linear"
    alpha: Positive | None = None

    def _check_together(self) -> None:
        super()._check_together()
        if not isinstance(self.base, str):
            check_base(self.base)

    @final
    def check_for(self, task: Task, prepare: Preparation) -> None:
        super().check_for(task, prepare)
        if isinstance(self.base, BaseEstimator):
            check_answers(self.base, goal_of(task))

    @property
    @final
    def boosts(self) -> bool:
        return isinstance(self.base, str) and self.base == "boosting"

    @final
    def idle(self) -> dict[str, str]:
        if self.boosts:
            return {"alpha": 'base is "boosting"'}
        if self.base == "linear":
            return {"monotonic_cst": 'base is "linear"'}
        return dict.fromkeys(("alpha", "monotonic_cst"), "base is an estimator")

    @final
    def make_base(self, ground: Ground) -> Base:
        """Return the model to wrap, for a problem."""
        if isinstance(self.base, BaseEstimator):
            return Foreign(self.base, ground.features, ground.goal)
        if self.base == "linear":
            return ground.line(self.alpha)
        return ground.boosting(self.monotonic_cst)
