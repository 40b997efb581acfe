"""Accuracy on a target without labels, estimated from signs that need none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, final

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import Ridge

from fourfold.core.atomic import whole_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["AccuracyModel", "Estimate", "Sample", "Signs"]

LEVEL: Final = 0.95
"""Nominal coverage of the intervals."""
ENDS: Final = (0.01, 0.99)
"""Shares beyond these are taken for these in logits."""


@final
class Signs(NamedTuple):
    """Signs of a model's accuracy.

    Attributes
    ----------
    agreement
        Share of the target's rows that another candidate predicts alike, mean over candidates.
    clusters
        Adjusted mutual information of predictions and clusters of the target's inputs.
    largest
        Share of the most frequent class in the source's labels.
    """

    agreement: float
    clusters: float
    largest: float

    @property
    def features(self) -> NDArray[np.float64]:
        """Features (3,) of a linear model of the accuracy's logit."""
        agreement, largest = logit(np.clip([self.agreement, self.largest], *ENDS))
        return np.array([agreement, self.clusters, largest])


@final
@dataclass(frozen=True)
class Estimate:
    """Accuracy that is expected on the target's rows, its interval, and the signs of it."""

    accuracy: float
    low: float
    high: float
    signs: Signs

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read an estimate of a saved result."""
        return cls(**{**raw, "signs": Signs(*raw["signs"])})


class Sample(NamedTuple):
    """A model on a task, of a family, whose accuracy is known."""

    family: str
    task: str
    signs: Signs
    accuracy: float


@final
@dataclass(frozen=True)
class AccuracyModel:
    """Regression of accuracies on signs, with intervals that hold on new families of data.

    Attributes
    ----------
    weights
        Of the features, then the intercept.
    width
        Half the length of an interval in logits: the quantile of errors on families left out.
    made
        What it was learnt from.

    References
    ----------
    Jiang et al., Assessing Generalization of SGD via Disagreement, ICLR 2022; Vovk, Gammerman &
    Shafer, Algorithmic Learning in a Random World, 2005.
    """

    weights: tuple[float, ...]
    width: float
    made: dict[str, Any] = field(default_factory=dict)

    def __call__(self, signs: Signs) -> Estimate:
        """Estimate the accuracy of a model by its signs."""
        middle = float(signs.features @ self.weights[:-1] + self.weights[-1])
        mean, low, high = expit([middle, middle - self.width, middle + self.width]).tolist()
        return Estimate(mean, low, high, signs)

    @classmethod
    def fit(cls, samples: Sequence[Sample], made: dict[str, Any] | None = None) -> Self:
        """Learn from tasks of at least two families; every task counts as much as another."""
        tasks = [one.task for one in samples]
        share = np.array([1 / tasks.count(task) for task in tasks])
        x, y = _features(samples), _logits(samples)
        errors = np.empty(len(samples))
        for family in {one.family for one in samples}:
            out = np.array([one.family == family for one in samples])
            errors[out] = np.abs(y[out] - x[out] @ _weights(x[~out], y[~out], share[~out]))
        order = np.argsort(errors)
        reached = np.cumsum(share[order]) / share.sum()
        width = errors[order][np.searchsorted(reached, LEVEL)]
        return cls(tuple(_weights(x, y, share).tolist()), float(width), made or {})

    @classmethod
    @cache
    def packaged(cls) -> Self:
        """Read the model that comes with the package."""
        raw = json.loads((files(__package__) / "accuracy.json").read_text("utf-8"))
        return cls(tuple(raw["weights"]), raw["width"], raw["made"])

    def save(self, path: Path) -> None:
        """Write the model."""
        raw = {"made": self.made, "weights": self.weights, "width": self.width}
        with whole_file(path) as part:
            part.write_text(json.dumps(raw, indent=1) + "\n", "utf-8")


def _features(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """Return features of all samples and a one, (n, 4)."""
    return np.array([[*one.signs.features, 1.0] for one in samples])


def _logits(samples: Sequence[Sample]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = logit(np.clip([one.accuracy for one in samples], *ENDS))
    return found


def _weights(
    features: NDArray[np.float64], y: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weights (4,) of a ridge regression on standardized features (n, 4)."""
    x = features[:, :-1]
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    ridge = Ridge(1.0).fit((x - mean) / spread, y, sample_weight=share)
    raw = ridge.coef_ / spread
    return np.append(raw, ridge.intercept_ - mean @ raw)
