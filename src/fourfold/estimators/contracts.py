"""Contract of every estimator: parameters, fitting, files."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple, Self, final

from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted
from torch import nn

from fourfold.core.parameters import Parameters
from fourfold.core.serialization import to_plain
from fourfold.frozen.fingerprint import fingerprint
from fourfold.networks.builder import Builder
from fourfold.preparation.base import Preparation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Estimator", "Needs"]


class Needs(NamedTuple):
    """Requirements of a method on its data.

    Attributes
    ----------
    source, source_labels, target_labels
        Whether there must be a source; whether it and the target must have labels.
    same_labels
        Whether the target's labels must be among the source's classes.
    classes
        Whether labels must be classes, not numbers or several answers.
    described
        Whether the classes must be described.
    columns
        Whether a study takes it only for tables and vectors, whose features mean something each.
    words
        Whether it takes texts and counts of words, too, beside tables and vectors, and nothing
        else.
    pictures
        Whether a study takes it only for pictures and sounds, of which it draws changed views.
    network
        Whether a trained network alone, without classes of its own, can be the source of a study.
    costly
        Whether a study with a pretrained network takes it only where it is asked for.
    pretrained
        Whether a study takes it only with a pretrained network, unless it is asked for.
    towers
        Whether a study takes it only where a network of two towers is the source, of whose names of
        classes it makes use, unless it is asked for.
    most_labels
        Most labelled rows of the target for which a study takes it; 0 for any number.
    transcripts
        Whether labels may also be transcripts of utterances.
    lightgbm
        Whether a study takes it only where LightGBM can be loaded, unless it is asked for.
    open_set
        Whether a study takes it where rows may be of no known class.
    """

    source: bool = False
    source_labels: bool = False
    target_labels: bool = True
    same_labels: bool = False
    classes: bool = False
    described: bool = False
    columns: bool = False
    words: bool = False
    pictures: bool = False
    network: bool = False
    costly: bool = False
    pretrained: bool = False
    towers: bool = False
    most_labels: int = 0
    transcripts: bool = False
    lightgbm: bool = False
    open_set: bool = False


class Estimator(Parameters, ABC):
    """An estimator that is fitted, saved to a folder and read from it.

    Parameters
    ----------
    random_state
        Seed of everything random.
    """

    random_state: int = 0

    @abstractmethod
    def save_fitted(self, folder: Path) -> dict[str, Any]:
        """Write the fitted state into a folder, without pickle; return the rest as JSON."""

    @abstractmethod
    def load_fitted(self, folder: Path, notes: Mapping[str, Any]) -> Self:
        """Read the state that :meth:`save_fitted` wrote."""

    @final
    def check_fitted(self) -> None:
        """Raise scikit-learn's NotFittedError before :meth:`fit`."""
        check_is_fitted(self, msg="This %(name)s instance is not fitted yet: call fit first")

    @final
    def identity(self) -> list[Any]:
        """Return all that a fit depends on besides the data, as JSON can hold it.

        That is the class and its parameters, weights of modules, and the content of a preparation
        that is fitted already.
        """
        given = self.get_params(deep=False)
        modules = {k: fingerprint(v) for k, v in given.items() if isinstance(v, nn.Module)}
        inner = {k: v.estimator for k, v in given.items() if isinstance(v, FrozenEstimator)}
        fitted = {k: v.digest for k, v in inner.items() if isinstance(v, Preparation)}
        weights = {k: v.weights_digest for k, v in given.items() if isinstance(v, Builder)}
        return [to_plain(self), modules, fitted, {k: v for k, v in weights.items() if v}]

    @property
    @final
    def purpose(self) -> str:
        """The class and its parameters but the recipe, so that checkpoints are told apart."""
        given = {k: to_plain(v) for k, v in self.get_params(deep=False).items() if k != "recipe"}
        return json.dumps([type(self).__name__, given])

    @abstractmethod
    def __sklearn_is_fitted__(self) -> bool:
        """Return whether the estimator can predict."""
