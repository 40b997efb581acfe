"""Options of a study that shape its questions, and the protocol that they choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from fourfold.errors import ParameterError
from fourfold.networks.builder import Builder
from fourfold.preparation.choose import SentenceEncoding
from fourfold.study.asking.named_classes import named_protocol
from fourfold.study.asking.open_set import open_protocol
from fourfold.study.protocols import clustering_protocol, described_protocol, labelled_protocol
from fourfold.training.recipe import SPEECH, Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sklearn.frozen import FrozenEstimator
    from torch import nn

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.planner import Placement
    from fourfold.preparation.choose import Preparation
    from fourfold.study.asking.trained import TrainedSource
    from fourfold.study.candidates import Method
    from fourfold.study.protocols import Protocol

__all__ = ["Options", "choose_protocol"]


@final
@dataclass(frozen=True)
class Options:
    """Options of a study that shape its questions; see :class:`~fourfold.study.study.Study`.

    ``trained`` is a network that is the source, in place of data.
    """

    methods: Sequence[Method] | None = None
    generalized: bool = False
    clusters: int | None = None
    encoder: str | None = None
    open_set: bool = False
    network: nn.Module | Builder | str | None = None
    trained: TrainedSource | None = None
    prepare: Preparation | None = None
    recipe: Recipe | Mapping[str, Any] | None = None
    folds: int = 3
    metric: str | None = None
    allow_overlap: bool = False
    max_source_rows: int = 100_000

    @property
    def pretrained(self) -> Builder | None:
        """The pretrained network that methods build on, or that is the source."""
        found = self.trained or self.network
        return found if isinstance(found, Builder) and found.trained else None

    def preparation(self, domains: Iterable[Domain]) -> Preparation | None:
        """Return the user's preparation, or that of the sentence encoder; None for neither.

        Raises
        ------
        ParameterError
            If an encoder is named, and neither inputs nor descriptions of classes are texts.
        """
        among = list(domains)
        if self.prepare is not None or self.encoder is None:
            return self.prepare
        if any(domain.rows.kind == "texts" for domain in among):
            return SentenceEncoding(model=self.encoder)
        if not any(domain.classes is not None and domain.classes.texts for domain in among):
            raise ParameterError(
                "encoder must stand beside texts, as inputs or as descriptions of classes; got "
                f"{self.encoder!r} beside neither"
            )
        return None

    def defaults(
        self, prepare: Preparation | FrozenEstimator | None, *tasks: Task
    ) -> dict[str, Any]:
        """Return the values for every method that takes them and has none of its own.

        Changes of a recipe are of the usual one of transcripts where a task is of these.
        """
        recipe = self.recipe
        if isinstance(recipe, Mapping) and "epochs" in recipe:  # as many as are asked for
            recipe = {"max_steps": None, **recipe}
        if isinstance(recipe, Mapping) and any(task.ragged for task in tasks):
            recipe = SPEECH.but(**recipe)
        given = {"network": self.network, "recipe": recipe, "prepare": prepare}
        return {name: value for name, value in given.items() if value is not None}


def choose_protocol(
    placement: Placement,
    sources: Sequence[Domain],
    target: Domain,
    evaluate: Domain | None,
    options: Options,
) -> Protocol:
    """Return the protocol for these data; refuse options of another cell of the map."""
    cell, reasons = placement.cell, placement.reasons
    if options.generalized and cell != "zeroshot":
        raise ParameterError(
            "generalized must stand beside descriptions of classes without examples; got it "
            f"where {reasons['zeroshot']}"
        )
    if options.clusters is not None and cell != "clustering":
        raise ParameterError(
            f"clusters must be left out where {reasons['clustering']}; got {options.clusters}"
        )
    if options.open_set and (cell != "adaptation" or target.n_labelled):
        raise ParameterError(
            "open_set must stand beside a source with classes and a target without labels; got it "
            f"where {reasons[cell]}"
        )
    data, metric, folds = (sources, target, evaluate), options.metric, options.folds
    if cell == "clustering":
        return clustering_protocol(*data, clusters=options.clusters, metric=metric)
    if cell == "zeroshot" and not sources:
        _check_named(options)
        return named_protocol(target, evaluate, metric=metric)
    if cell == "zeroshot":
        generalized, encoder = options.generalized, options.encoder
        return described_protocol(
            *data, folds=folds, metric=metric, generalized=generalized, encoder=encoder
        )
    if options.open_set:
        return open_protocol(*data, metric=metric)
    return labelled_protocol(*data, folds=folds, metric=metric)


def _check_named(options: Options) -> None:
    """Refuse options that do nothing where a network of two towers knows classes by their names."""
    if options.generalized or options.encoder is not None:
        name = "generalized" if options.generalized else "encoder"
        raise ParameterError(
            f"{name} must be left out where a network of two towers, which reads names of classes "
            "by itself, is the source; got it"
        )
