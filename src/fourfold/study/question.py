"""Questions: all that is asked of one target, made ready and checked before training."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.data.differences import input_difference
from fourfold.data.domain import in_one_order, pool
from fourfold.errors import DataError, ParameterError
from fourfold.methods import find
from fourfold.planner import locate, locate_tasks
from fourfold.preparation.choose import SentenceEncoding
from fourfold.preparation.texts import MINILM, encode_descriptions
from fourfold.study.candidates import baselines, joint_candidates, transfer_candidates
from fourfold.study.checks import check_network, fit_preparation
from fourfold.study.diagnostics.points import sample_rows
from fourfold.study.overlap import fellows, judged_apart
from fourfold.study.protocols import (
    clustering_protocol,
    common_folds,
    described_protocol,
    labelled_protocol,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fourfold.data.domain import Domain
    from fourfold.estimators.joint import JointEstimator
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.networks.builder import Builder
    from fourfold.planner import Placement
    from fourfold.preparation.choose import Preparation
    from fourfold.study.candidates import Method
    from fourfold.study.protocols import Protocol
    from fourfold.training.recipe import Recipe

__all__ = ["Options", "Question", "ask_tasks", "ask_transfer"]


@final
@dataclass(frozen=True)
class Options:
    """Options of a study that shape its questions; see :class:`~fourfold.study.study.Study`."""

    methods: Sequence[Method] | None
    generalized: bool
    clusters: int | None
    encoder: str | None
    network: nn.Module | Builder | str | None
    prepare: Preparation | None
    recipe: Recipe | Mapping[str, Any] | None
    folds: int
    metric: str | None
    allow_overlap: bool = False

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

    def defaults(self, prepare: Preparation | FrozenEstimator | None) -> dict[str, Any]:
        """Return the values for every method that takes them and has none of its own."""
        given = {"network": self.network, "recipe": self.recipe, "prepare": prepare}
        return {name: value for name, value in given.items() if value is not None}


@final
@dataclass(frozen=True)
class Question:
    """All that is asked of one target.

    Attributes
    ----------
    title
        The question in words.
    placement
        Place of the data on the map.
    sources, target, evaluate
        Training domains, and rows with labels to judge on; no sources for a task among several.
    protocol
        Task, scores, splits and validator.
    preparation
        Fitted on the inputs of all training domains.
    candidates
        Method → unfitted estimator; one that learns several tasks is the same in all questions.
    notes
        Caveats of the data.
    plotted
        Rows of source and target whose features are shown; empty for none.
    """

    title: str
    placement: Placement
    sources: tuple[Domain, ...]
    target: Domain
    evaluate: Domain | None
    protocol: Protocol
    preparation: Preparation
    candidates: Mapping[str, TransferEstimator | JointEstimator]
    notes: tuple[str, ...] = ()
    plotted: tuple[Domain, ...] = ()

    @property
    def domains(self) -> list[Domain]:
        """All domains of the question."""
        judged = [] if self.evaluate is None else [self.evaluate]
        return [*self.sources, self.target, *judged]

    def is_baseline(self, method: str) -> bool:
        """Return whether a candidate is a baseline."""
        return method in self.placement.baselines


def ask_transfer(
    sources: Sequence[Domain],
    target: Domain,
    evaluate: Domain | None,
    *,
    options: Options,
    title: str,
) -> Question:
    """Return the question of a study of transfer.

    Raises
    ------
    DataError, ParameterError
        If data or options do not fit.
    """
    title = title or f"{pool(sources).name or 'source'} → {target.name or 'target'}"
    placement = locate(sources, target)
    chosen = options.preparation([*sources, target])
    if placement.cell == "zeroshot":
        target = _with_vectors(target, options.encoder)
        sources = [_with_vectors(source, options.encoder) for source in sources]
    protocol = _protocol(placement, sources, target, evaluate, options)
    learnt = [*in_one_order(sources), target]
    prepared = _fit_preparation(chosen, placement, learnt, [evaluate], options)
    taught = {"target": [target], "source": sources}
    judged, notes = judged_apart(evaluate, taught, allow=options.allow_overlap)
    if judged is not evaluate:
        try:
            protocol = _protocol(placement, sources, target, judged, options)
        except DataError as error:
            raise DataError("; ".join([str(error), *notes])) from error
    candidates = transfer_candidates(
        options.methods, placement, options.defaults(FrozenEstimator(prepared)), protocol.parameters
    )
    notes += [*protocol.notes, *protocol.splits.caveats()]
    if target.classes is not None and placement.cell != "zeroshot":
        notes.append(f"Descriptions of classes are not used: {placement.reasons['zeroshot']}.")
    return Question(
        title=title,
        placement=placement,
        sources=tuple(sources),
        target=target,
        evaluate=judged,
        protocol=protocol,
        preparation=prepared,
        candidates=candidates,
        notes=tuple(notes),
        plotted=(sample_rows(pool(sources)), sample_rows(target)),
    )


def ask_tasks(
    tasks: Mapping[str, Domain], evaluate: Mapping[str, Domain | None], *, options: Options
) -> dict[str, Question]:
    """Return the question of each task in a study of several.

    Raises
    ------
    DataError, ParameterError
        If data or options do not fit.
    """
    chosen = options.preparation(tasks.values())
    placement = locate_tasks(tasks)
    targets = {name: _called(domain, name) for name, domain in tasks.items()}
    judged = {name: None if d is None else _called(d, name) for name, d in evaluate.items()}
    folds = common_folds(targets, options.folds)

    def protocol_of(name: str, rows: Domain | None) -> Protocol:
        return labelled_protocol([], targets[name], rows, folds=folds, metric=options.metric)

    protocols = {name: protocol_of(name, domain) for name, domain in judged.items()}
    difference = input_difference(targets)
    if difference and isinstance(options.network, nn.Module):
        raise ParameterError(
            "network must be a name or a Builder where the inputs of tasks differ, so that each "
            f"has one of its own; got a module, and {difference}"
        )
    prepared: dict[str, Preparation] = {}
    for names in [[name] for name in targets] if difference else [list(targets)]:
        learnt, asked = [targets[name] for name in names], [judged[name] for name in names]
        fitted = _fit_preparation(chosen, placement, learnt, asked, options)
        prepared |= dict.fromkeys(names, fitted)
    frozen = {name: FrozenEstimator(fitted) for name, fitted in prepared.items()}
    shared = options.defaults(chosen if difference else next(iter(frozen.values())))
    allow = options.allow_overlap
    apart = {n: judged_apart(d, fellows(n, targets), allow=allow) for n, d in judged.items()}
    protocols |= {n: protocol_of(n, d) for n, (d, _) in apart.items() if d is not judged[n]}
    joint = joint_candidates(options.methods, placement, targets, shared)
    return {
        name: Question(
            title=name,
            placement=placement,
            sources=(),
            target=targets[name],
            evaluate=apart[name].rows,
            protocol=protocol,
            preparation=prepared[name],
            candidates={**baselines(placement, options.defaults(frozen[name])), **joint},
            notes=(*apart[name].notes, *protocol.splits.caveats()),
        )
        for name, protocol in protocols.items()
    }


def _protocol(
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
    data, metric, folds = (sources, target, evaluate), options.metric, options.folds
    if cell == "clustering":
        return clustering_protocol(*data, clusters=options.clusters, metric=metric)
    if cell == "zeroshot":
        generalized, encoder = options.generalized, options.encoder
        return described_protocol(
            *data, folds=folds, metric=metric, generalized=generalized, encoder=encoder
        )
    return labelled_protocol(*data, folds=folds, metric=metric)


def _fit_preparation(
    chosen: Preparation | None,
    placement: Placement,
    learnt: Sequence[Domain],
    asked: Sequence[Domain | None],
    options: Options,
) -> Preparation:
    """Fit the preparation, or the one of the first baseline, and check the network behind it."""
    if chosen is None:
        baseline = find(placement.baselines[0]).load()()
        chosen = baseline.choose_preparation(
            [domain.rows for domain in learnt], user_network=isinstance(options.network, nn.Module)
        )
    fitted = fit_preparation(chosen, learnt, *asked)
    check_network(options.network, fitted.shape_)
    return fitted


def _with_vectors(domain: Domain, encoder: str | None) -> Domain:
    """Encode textual descriptions of classes once, before all fits."""
    if domain.classes is None or domain.classes.texts is None:
        return domain
    return domain.described(encode_descriptions(domain.classes, encoder or MINILM, download=True))


def _called(domain: Domain, name: str) -> Domain:
    """Return the same domain, with its task's name where it has none."""
    if domain.name:
        return domain
    named = copy.copy(domain)
    named.name = name
    return named
