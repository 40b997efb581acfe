"""Problem: the value from which a method learns."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import torch
from torch import nn
from xxhash import xxh3_128_hexdigest

from fourfold.core.process import seeded
from fourfold.core.serialization import to_plain
from fourfold.core.version import VERSION
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.model import Model
from fourfold.estimators.problem.sources import Labelled, SourceNetwork, Unlabelled
from fourfold.estimators.supervised import supervise, train_once
from fourfold.frozen.fingerprint import fingerprint
from fourfold.networks.builder import Body, Builder, as_body
from fourfold.training.runtime import current

if TYPE_CHECKING:
    from fourfold.core.tasks import Task
    from fourfold.estimators.inputs import Data, Inputs
    from fourfold.estimators.problem.sources import ClassDescriptions, SourceOf
    from fourfold.training.recipe import Recipe

__all__ = ["Problem"]


@final
@dataclass(frozen=True)
class Problem:
    """Everything that a method learns from.

    Attributes
    ----------
    task, target
        The target's task and data.
    source
        Data or a trained network to transfer from; a sequence for a method that takes its sources
        in turn; None without a source.
    inputs
        Path of rows to the trainable network.
    network
        What fresh networks are built from; None where the source is a bare network.
    recipe, seed
        Of the method's trainings.
    head
        Builds a fresh head for the target's task on features of a width.
    setting
        The estimator's ``task`` parameter and the like, as JSON: part of the key of kept models.
    classes
        Descriptions of classes, for a method that recognizes them by these.
    """

    task: Task
    target: Data
    source: SourceOf | Sequence[SourceOf] | None
    inputs: Inputs
    network: Builder | nn.Module | None
    recipe: Recipe
    seed: int
    head: Callable[[int], nn.Module]
    setting: str = ""
    classes: ClassDescriptions | None = None

    def body(self, builder: Builder | None = None) -> Body:
        """Build a fresh network without a head, by another builder than the problem's if given."""
        network = builder or self.network
        if network is None:
            raise ParameterError("network must be given to build a fresh one; got a bare source")
        if isinstance(network, Builder):
            return self.inputs.under(network.build(self.inputs.shape))
        return self.inputs.under(as_body(copy.deepcopy(network), self.inputs.shape))

    def model(self, body: Body) -> Model:
        """Put a fresh head for the target's task on a body."""
        return Model(body, self.head(body.width))

    @property
    def described(self) -> ClassDescriptions:
        """The descriptions of classes, which must be there."""
        if self.classes is None:
            raise TypeError("a problem of described classes must have descriptions; got none")
        return self.classes

    @property
    def chain(self) -> list[Problem]:
        """The same problem with each of several sources, in turn."""
        if not isinstance(self.source, Sequence):
            return [] if self.source is None else [self]
        return [replace(self, source=one) for one in self.source]

    @property
    def source_data(self) -> Data:
        """The source's data; a ParameterError if the source is a model."""
        if isinstance(self.source, (Labelled, Unlabelled)):
            return self.source.data
        raise ParameterError("source must be a Domain for this method; got a trained model")

    @property
    def pair(self) -> Builder | None:
        """The network of two towers that the source is, if it is one."""
        return self.source.pair if isinstance(self.source, SourceNetwork) else None

    @property
    def source_task(self) -> Task | None:
        """The source's task; None where it has no labels, or is a bare network."""
        return self.source.task if isinstance(self.source, (Labelled, SourceNetwork)) else None

    @property
    def known_source_task(self) -> Task:
        """The source's task; a ParameterError for a bare network, whose outputs may be anything."""
        if self.source_task is None:
            raise ParameterError(
                "source must tell what its outputs mean, as data and fitted estimators do; got a "
                "bare network"
            )
        return self.source_task

    @cached_property
    def source_model(self) -> Model:
        """The source network: a copy of the given one, or one that is trained once per seed.

        A method may change it; each access returns the same network.
        """
        if isinstance(self.source, SourceNetwork):
            return copy.deepcopy(self.source.model)
        data, task = self.source_data, self.source_task
        if task is None:
            raise DataError("the source must have labels to train a source model; got none")
        with seeded(self.seed):
            body = self.body()
            model = Model(body, task.head(body.width))
            key = self.key()
            train_once(model, key, lambda: supervise(model, task, data, self.recipe))
        return model.cpu().eval()

    @property
    def pretrained(self) -> bool:
        """Whether fresh networks have the weights of a training already."""
        return isinstance(self.network, Builder) and self.network.trained

    @cached_property
    def frozen_body(self) -> Body:
        """A trained network for features that stay: a pretrained one, or else the source's."""
        if self.pretrained:
            with seeded(self.seed):
                return self.body().eval()
        return self.source_model.body

    def key(self, *more: str) -> str | None:
        """Return the key of a training on the source and of more; None where it is not kept."""
        digest = self.source.digest if isinstance(self.source, (Labelled, Unlabelled)) else None
        if digest is None:
            return None
        network = self.network
        built: Any = None
        if isinstance(network, nn.Module):
            built = fingerprint(network)
        elif network is not None:
            built = [to_plain(network), network.weights_digest]
        data = [self.inputs.path, digest(), self.setting]
        how = [self.recipe.identity(), self.seed, current().identity()]
        versions = [VERSION, torch.__version__]  # another version may train in another way
        return xxh3_128_hexdigest(json.dumps([built, *data, *how, *versions, *more]).encode())
