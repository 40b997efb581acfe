"""Base: any estimator of scikit-learn that ONNX can express."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self, final

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.utils.validation import has_fit_parameter

from fourfold.algorithms.additive.converted import Converted, convert
from fourfold.algorithms.additive.histogram import from_histogram
from fourfold.algorithms.additive.model import Additive
from fourfold.algorithms.additive.reading import read_additive
from fourfold.algorithms.linear import Affine
from fourfold.errors import DataError, ParameterError, summary
from fourfold.estimators.bases.base import Base, Learnt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.algorithms.additive.goal import Goal
    from fourfold.algorithms.samples import Sample
    from fourfold.estimators.bases.features import Features

__all__ = ["Foreign", "check_answers", "check_base"]

HISTOGRAM: Final = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


def check_base(base: object) -> None:
    """Refuse another thing than an estimator that takes weights.

    Raises
    ------
    ParameterError
        If it is such a one.
    """
    if not isinstance(base, BaseEstimator):
        raise ParameterError(
            f'base must be "linear", "boosting" or an estimator of scikit-learn; got {base!r:.60}'
        )
    if not has_fit_parameter(base, "sample_weight"):
        raise ParameterError(
            "base must take sample_weight in fit, since rows of the target count more; got "
            f"{type(base).__name__}"
        )


def check_answers(estimator: BaseEstimator, goal: Goal) -> None:
    """Refuse an estimator that does not answer as labels ask.

    Raises
    ------
    DataError
        If the labels are neither classes nor one number a row.
    ParameterError
        If it is no classifier, or no regressor, or gives no probabilities of classes.
    """
    numbers = goal.kind == "numbers" and goal.outputs == 1
    if not numbers and goal.kind != "classes":
        raise DataError(
            "labels must be classes or one number for an estimator of scikit-learn as base; "
            f"got {goal.outputs} {goal.kind}"
        )
    if not (is_regressor if numbers else is_classifier)(estimator):
        kind = "a regressor" if numbers else "a classifier"
        raise ParameterError(f"base must be {kind}; got {type(estimator).__name__}")
    if not numbers:
        try:
            _ = estimator.predict_proba
        except AttributeError as error:
            raise ParameterError(
                f"base must give probabilities of classes; got {estimator!r:.60}, which has no "
                "predict_proba"
            ) from error


@final
@dataclass(frozen=True)
class Foreign(Base):
    """An estimator of scikit-learn, on the features for lines, or for trees where ``views``."""

    estimator: BaseEstimator
    features: Features
    goal: Goal
    views: bool = False

    @property
    def key(self) -> str:
        return f"{self.estimator!r} {self.views}"

    def seeded(self, seed: int) -> Self:
        free = self.estimator.get_params(deep=False).get("random_state", 0) is None
        own = clone(self.estimator).set_params(random_state=seed) if free else self.estimator
        return replace(self, estimator=own)

    def learn(self, rows: Sample) -> dict[str, Any]:
        model = self.fit(rows)
        kept = model.onnx if isinstance(model, Additive) else model.content
        return {"onnx": base64.b64encode(kept).decode()}

    def restore(self, learnt: Mapping[str, Any]) -> Learnt:
        content = base64.b64decode(learnt["onnx"])
        parts = read_additive(content)
        if parts is None:
            return Learnt(self, self._converted(content, flagged=False))
        ensemble, line, start = parts
        return Learnt(self, Additive(self.goal, line, self.features.width, start, ensemble))

    def fit(
        self, rows: Sample, offset: Any = None, flags: NDArray[np.bool_] | None = None
    ) -> Additive | Converted:
        if offset is not None:
            raise TypeError("an estimator of scikit-learn is not fitted beside scores")
        x = rows.x[:, self._first : self._last]
        x = x if flags is None else np.column_stack([x, flags.astype(np.float32)])
        check_answers(self.estimator, self.goal)
        y = rows.y[:, 0] if self.goal.kind == "numbers" else rows.y
        fitted = clone(self.estimator).fit(x, y, sample_weight=rows.weight)
        name = type(self.estimator).__name__
        if self.goal.kind == "classes" and len(fitted.classes_) < self.goal.outputs:
            raise DataError(f"every class must have a label for {name} as base; one has none")
        fixed = {} if flags is None else {x.shape[1] - 1: 1.0}
        if isinstance(fitted, HISTOGRAM) and fitted.is_categorical_ is None:
            ensemble, bias = from_histogram(fitted, self._first, fixed)
            line, width = Affine(np.zeros((0, len(bias))), bias), self.features.width
            return Additive(self.goal, line, width, width, ensemble)
        try:
            content = convert(fitted, x)
        except Exception as error:  # whatever skl2onnx raises
            raise ParameterError(
                "base must be an estimator that skl2onnx can convert, so that models are saved "
                f"without pickle; got {name}: {summary(error)}"
            ) from error
        return self._converted(content, flagged=flags is not None)

    def _converted(self, content: bytes, *, flagged: bool) -> Converted:
        ones, zeros = np.ones(self.goal.columns), np.zeros(self.goal.columns)
        places = (self.features.width, self._first, self._last)
        return Converted(self.goal, content, *places, flagged, ones, zeros)

    @property
    def _first(self) -> int:
        return 0 if self.views else self.features.start

    @property
    def _last(self) -> int:
        views = self.views and self.features.start
        return self.features.start if views else self.features.width
