"""Sources that a method learns from, beside the target, and descriptions of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias, final

from torch import nn

from fourfold.estimators.model import Model
from fourfold.networks.builder import Body, Builder

if TYPE_CHECKING:
    from collections.abc import Callable

    from fourfold.algorithms.zeroshot.signatures import Signatures
    from fourfold.core.tasks import Task
    from fourfold.data.descriptions import Descriptions
    from fourfold.data.domain import Domain
    from fourfold.estimators.inputs import Data, Inputs

__all__ = ["ClassDescriptions", "Given", "Labelled", "SourceNetwork", "SourceOf", "Unlabelled"]


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

    @property
    def pair(self) -> Builder | None:
        """The network of two towers that the source is, if it is one."""
        return None if self.pretrained is None else self.pretrained.pair


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
