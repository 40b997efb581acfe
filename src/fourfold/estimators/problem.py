"""Problem and Fitted: the two values between which a method learns."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias, final

import torch
from torch import nn
from xxhash import xxh3_128_hexdigest

from fourfold.core.process import seeded
from fourfold.core.serialization import to_plain
from fourfold.core.version import VERSION
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.model import FittedModel, Model
from fourfold.estimators.supervised import supervise, train_once
from fourfold.frozen.fingerprint import fingerprint
from fourfold.networks.builder import Body, Builder, as_body
from fourfold.training.phases import History
from fourfold.training.runtime import current

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fourfold.algorithms.calibration import Calibration
    from fourfold.algorithms.rejection import Rejection
    from fourfold.algorithms.zeroshot.signatures import Signatures
    from fourfold.core.findings import Finding
    from fourfold.core.tasks import Task
    from fourfold.data.descriptions import Descriptions
    from fourfold.data.domain import Domain
    from fourfold.estimators.inputs import Data, Inputs
    from fourfold.training.recipe import Recipe

__all__ = [
    "ClassDescriptions",
    "Fitted",
    "Given",
    "Labelled",
    "Problem",
    "SourceNetwork",
    "SourceOf",
    "Unlabelled",
]


@final
@dataclass(frozen=True)
class Labelled:
    """A source of rows with encoded labels, and the task that is fitted to these.

    The digest is of the domain; None where models trained on it are not kept.
    """

    data: Data
    task: Task
    digest: Callable[[], str] | None = None


@final
@dataclass(frozen=True)
class Unlabelled:
    """A source of rows without labels; ``digest`` as in :class:`Labelled`."""

    data: Data
    digest: Callable[[], str] | None = None


@final
@dataclass(frozen=True)
class SourceNetwork:
    """A trained source network, with task and inputs of the fitted estimator, if it is of one.

    One that is known by name has a ``builder``, and a model without a last layer as soon as the
    shape of its rows is known.
    """

    model: Model
    task: Task | None = None
    inputs: Inputs | None = None
    estimator: object = None
    builder: Builder | None = None

    @classmethod
    def by_name(cls, builder: Builder) -> Self:
        """Return the network that a builder will build with its weights."""
        return cls(Model(Body({"network": nn.Identity()}, 1), nn.Identity()), builder=builder)

    @property
    def pair(self) -> Builder | None:
        """The network by name, if it is one of two towers."""
        return self.builder if self.builder is not None and self.builder.paired else None


SourceOf: TypeAlias = Labelled | Unlabelled | SourceNetwork


class Given(NamedTuple):
    """The target, and of its sources the first domain and the leading trained network."""

    target: Domain
    source: Domain | None
    pretrained: SourceNetwork | None


@final
@dataclass(frozen=True)
class ClassDescriptions:
    """Classes that are recognized by their descriptions.

    Seen are the names of the classes with examples in the source, whose descriptions are known;
    candidates are all that a row of the target may be of. Signatures turn descriptions into vectors
    of one width.
    """

    seen: list[Any]
    known: Descriptions
    candidates: Descriptions
    signatures: Signatures


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


@final
@dataclass(frozen=True)
class Fitted:
    """The result of learning.

    Attributes
    ----------
    model
        Predicts the target.
    history
        Of the training on the target; empty where nothing was trained.
    findings
        Curves, tables and facts for the report.
    state
        Further fitted attributes by name, each ending in ``_``: tensors by name, or plain JSON.
    files
        Parts of the fitted state that are saved into files of their own, by name.
    calibration
        Of the model's outputs, by rows that were held out; None leaves them as they are.
    rejection
        Adds the output of rows of no known class, where the model has none of its own.
    """

    model: FittedModel
    history: History = field(default_factory=History)
    findings: Sequence[Finding] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    rejection: Rejection | None = None

    def finished(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a model's outputs, calibrated and with that of rows of no known class."""
        found = outputs if self.calibration is None else self.calibration.apply(outputs)
        return found if self.rejection is None else self.rejection.apply(found)

    def last_stages(self) -> list[nn.Module]:
        """Return modules that compute :meth:`finished` in torch."""
        return [end.module() for end in (self.calibration, self.rejection) if end is not None]
