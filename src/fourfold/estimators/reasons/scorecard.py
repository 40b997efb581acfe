"""Scorecards: linear models of two classes as tables of points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from torch import nn

from fourfold.core.tasks import Classification
from fourfold.errors import ParameterError
from fourfold.estimators.model import Model
from fourfold.preparation.choose import TablePreparation
from fourfold.preparation.tables.columns import DATE_PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fourfold.estimators.predicting import Predicts

    Floats = NDArray[np.float64]

__all__ = ["scorecard"]


def scorecard(
    model: Predicts, *, event: Any = None, points: float = 600, odds: float = 50, pdo: float = 20
) -> pd.DataFrame:
    """Write a linear model of a table as points: a row's points are the sum of those of its cells.

    Parameters
    ----------
    model
        Fitted, such as ``Linear``, ``ToSource``, ``Pooled`` or ``Recalibrated`` with a linear base.
    event
        The class against which points speak; the second one by default.
    points, odds
        Points of a row whose odds against the event are these to one.
    pdo
        Points that double the odds.

    Returns
    -------
    DataFrame with ``column``, ``value`` and ``points``: a row ``base``; of numbers one ``per
    unit``, with the limits of a column with outliers, and, where cells were missing, one
    ``missing`` instead of it; of categories one each. A category without a row has no points.

    Raises
    ------
    ParameterError
        If the model is not linear, the columns hold text or have too many categories, or there are
        not two classes.

    References
    ----------
    Siddiqi, Credit Risk Scorecards, 2006, ch. 6.
    """
    weight, bias = _line(model, event)
    factor = pdo / math.log(2)
    shift, rows = 0.0, []
    for column, value, of, moved in _cells(model.prepare_, weight):
        shift += moved
        rows.append((column, value, -factor * of))
    base = points - factor * (math.log(odds) + bias + shift)
    return pd.DataFrame([("base", "", base), *rows], columns=["column", "value", "points"])


def _line(model: Predicts, event: Any) -> tuple[Floats, float]:
    """Return weights (d,) and the intercept of the log-odds of an event."""
    model.check_fitted()
    task, prepare = model.task_, model.prepare_
    found = model.model_
    layers = [] if not isinstance(found, Model) else [*found.head.modules()]
    layer = next((one for one in layers if isinstance(one, nn.Linear)), None)
    plain = isinstance(found, Model) and not [*found.body.parameters()] and len(layers) <= 3
    if layer is None or not plain or not isinstance(prepare, TablePreparation) or prepare.wide_:
        raise ParameterError(
            "a scorecard must be of a linear model of a table, with no more categories a column "
            f"than max_categories; got {type(model).__name__}"
        )
    if not isinstance(task, Classification) or len(task.classes_) != 2 or prepare.columns_.text:
        raise ParameterError("a scorecard must be of two classes, and of columns without text")
    if event is not None and event not in task.classes_.tolist():
        raise ParameterError(f"event must be one of {task.classes_.tolist()}; got {event!r:.40}")
    sign = -1.0 if event is not None and event == task.classes_[0] else 1.0
    weights = layer.weight.detach().double().numpy()
    biases = layer.bias.detach().double().numpy()
    calibration = model.fitted_.calibration
    slope, intercept = (1.0, 0.0) if calibration is None else calibration
    line = sign * slope * (weights[1] - weights[0])
    return line, float(sign * (slope * (biases[1] - biases[0]) + intercept))


def _cells(prepare: TablePreparation, weight: Floats) -> Iterator[tuple[Any, str, float, float]]:
    """Yield the column, the value, its log-odds, and those that all rows share by it."""
    names, at = prepare.columns_.plain, 0
    if names:
        numbers = prepare.transformer_.named_transformers_["numbers"]
        imputer, scaler = (step for _, step in numbers.steps)
        indicated = imputer.indicator_.features_
        at = len(names) + len(indicated)
        slopes, means = weight[:at] / scaler.scale_, scaler.mean_
        limits = prepare.limits_
        for i, name in enumerate(names):
            low, high = limits.low[i], limits.high[i]
            within = f", from {low:g} to {high:g}" if np.isfinite(high) else ""
            yield _unit(prepare, name, i), f"per unit{within}", slopes[i], -slopes[i] * means[i]
        for j, i in enumerate(indicated, start=len(names)):
            mark = f" or {limits.mark[i]:g}" * (not np.isnan(limits.mark[i]))
            points = slopes[i] * imputer.statistics_[i] + slopes[j]
            yield _unit(prepare, names[i], i), f"missing{mark}", points, -slopes[j] * means[j]
    for (column, value), of in zip(prepare.encoded, weight[at:], strict=True):
        yield column, value.replace("infrequent_sklearn", "others"), of, 0.0


def _unit(prepare: TablePreparation, name: Any, place: int) -> Any:
    """Return the name of a number, with the part of a date."""
    first = len(prepare.columns_.numbers)
    part = DATE_PARTS[(place - first) % len(DATE_PARTS)]
    return name if place < first else f"{name}, {part}"
