"""Questions: all that is asked of one target, made ready and checked before training."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, final

import numpy as np
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.core.tasks import Classification
from fourfold.data.differences import input_difference
from fourfold.data.kinds import settle_labels
from fourfold.data.pooling import in_one_order, pool
from fourfold.data.tables import settle_tables
from fourfold.errors import ParameterError
from fourfold.planner import locate_tasks
from fourfold.preparation.texts import MINILM, encode_descriptions
from fourfold.study.asking.absent import Absent
from fourfold.study.asking.drawing import draw_rows
from fourfold.study.asking.given import of_tasks, of_transfer
from fourfold.study.asking.posing import place, pose
from fourfold.study.asking.preparations import prepare_questions
from fourfold.study.asking.trained import name_of
from fourfold.study.candidates import baselines, joint_candidates
from fourfold.study.checks import named
from fourfold.study.diagnostics.points import sample_rows
from fourfold.study.overlap import fellows, judged_apart
from fourfold.study.protocols import common_folds, labelled_protocol
from fourfold.study.validators.agreement import Clusters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.estimators.joint import JointEstimator
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.planner import Placement
    from fourfold.preparation.choose import Preparation
    from fourfold.study.asking.options import Options
    from fourfold.study.asking.preparations import Preparations
    from fourfold.study.asking.trained import TrainedSource
    from fourfold.study.protocols import Protocol

__all__ = ["BASELINE_BLEND", "BLENDS", "Question", "ask", "ask_tasks", "ask_transfer"]

FEWEST: Final = 4
"""Classes of which a target may lack half, and have several."""
ONLY: Final = "target"
"""Name of the only question of a study of transfer."""
BASELINE_BLEND: Final = "BaselineBlend"
"""Name of the blend of baselines alone."""
BLENDS: Final = ("Blend", BASELINE_BLEND)
"""Names of the blend of all candidates, and of that."""


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
        Training domains, and rows with labels to judge on; no sources for a task among several, or
        where a trained network is the source.
    protocol
        Task, scores, splits and validator.
    preparation
        Fitted on the inputs of all training domains, without labels.
    candidates
        Method → unfitted estimator; one that learns several tasks is the same in all questions.
    absent
        Classes of the source without a label of the target, and the methods that lack them.
    notes
        Caveats of the data.
    leads
        Kind of model → share of a line's error that it removes on the source, where measured.
    source_scores
        Model of the source → its score on held-out labels of the source, where it may be chosen by
        these.
    plotted
        Rows of source and target whose features are shown; empty for none.
    trained
        Network that is the source in place of data.
    """

    title: str
    placement: Placement
    sources: tuple[Domain, ...]
    target: Domain
    evaluate: Domain | None
    protocol: Protocol
    preparation: Preparation
    candidates: Mapping[str, TransferEstimator | JointEstimator]
    absent: Absent = field(default_factory=Absent)
    notes: tuple[str, ...] = ()
    leads: Mapping[str, float] = field(default_factory=dict)
    source_scores: Mapping[str, float] = field(default_factory=dict)
    plotted: tuple[Domain, ...] = ()
    trained: TrainedSource | None = None

    @cached_property
    def clusterings(self) -> list[Clusters]:
        """Clusters of the target's inputs: as many as classes, and half as many, if it lacks some.

        Of an open set there are twice as many, of fewer than four classes as many alone.
        """
        k, opened = self.protocol.task.n_outputs, bool(self.protocol.task.beyond)
        numbers = [2 * k] if opened else [k, k // 2] if k >= FEWEST else [k]
        return [Clusters.of(self.target.rows, self.preparation, number) for number in numbers]

    @cached_property
    def clustered_classes(self) -> float:
        """Agreement of classes with as many clusters of the inputs, of the source that has most."""
        task = self.protocol.task
        known = [s.subset(s.labelled.nonzero()[0]) for s in self.sources if s.n_labelled]
        return max(
            Clusters.of(one.rows, self.preparation, task.n_outputs).tell(task.codes(one.known))
            for one in known
        )

    @cached_property
    def source_shares(self) -> NDArray[np.float64]:
        """Shares (k,) of the classes in the source's labels."""
        task = self.protocol.task
        if not isinstance(task, Classification):
            raise TypeError("shares are of classes")
        codes = task.codes(pool(self.sources).known)
        counts = np.bincount(codes[codes >= 0], minlength=task.n_outputs) + 1e-3
        shares: NDArray[np.float64] = counts / counts.sum()
        return shares

    @property
    def domains(self) -> list[Domain]:
        """All domains of the question."""
        judged = [] if self.evaluate is None else [self.evaluate]
        return [*self.sources, self.target, *judged]

    def is_baseline(self, method: str) -> bool:
        """Return whether a candidate is a baseline, or a blend of baselines alone."""
        return method in self.placement.baselines or method == BASELINE_BLEND


def ask(
    source: Domain | Sequence[Domain] | None,
    target: Domain | None,
    evaluate: Domain | Mapping[str, Domain] | None,
    tasks: Mapping[str, Domain] | None,
    *,
    options: Options,
    title: str,
    notes: Sequence[str],
) -> dict[str, Question]:
    """Return the questions of a study by name: the only one of transfer, or one a task.

    Raises
    ------
    DataError, ParameterError
        If data or options do not fit.
    """
    if tasks is not None:
        judged = of_tasks(tasks, evaluate, source=source, target=target, options=options)
        return ask_tasks(tasks, judged, options=options)
    data = of_transfer(source, target, evaluate, trained=options.trained is not None)
    return {ONLY: ask_transfer(*data, options=options, title=title, notes=notes)}


def ask_transfer(
    sources: Sequence[Domain],
    target: Domain,
    evaluate: Domain | None,
    *,
    options: Options,
    title: str,
    notes: Sequence[str] = (),
) -> Question:
    """Return the question of a study of transfer.

    Raises
    ------
    DataError, ParameterError
        If data or options do not fit.
    """
    sources, drawn = draw_rows(sources, options.max_source_rows)
    trained = options.trained
    placement = place(sources, target, options)
    if placement.cell == "zeroshot" and sources:
        target = _with_vectors(target, options.encoder)
        sources = [_with_vectors(source, options.encoder) for source in sources]
    chosen = options.preparation([*sources, target])
    learnt = [*in_one_order(sources), target]
    prepared = prepare_questions(
        chosen, placement, learnt, {title: target}, [evaluate], options.network, trained
    )[title]
    asked = pose(sources, target, evaluate, options)
    source_name = name_of(trained) if trained is not None else pool(sources).name or "source"
    return Question(
        title=title or f"{source_name} → {target.name or 'target'}",
        placement=placement,
        sources=tuple(sources),
        target=target,
        evaluate=asked.judged,
        protocol=asked.protocol,
        preparation=prepared.shared,
        candidates=asked.candidates(prepared),
        absent=asked.absent,
        notes=(*notes, *drawn, *asked.notes, *prepared.notes()),
        plotted=(sample_rows(pool(sources)), sample_rows(target)) if sources else (),
        trained=trained,
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
    read = settle_tables([*tasks.values(), *(one for one in evaluate.values() if one is not None)])
    tasks = dict(zip(tasks, read, strict=False))
    asked_of = iter(read[len(tasks) :])
    evaluate = {name: None if one is None else next(asked_of) for name, one in evaluate.items()}
    chosen = options.preparation(tasks.values())
    placement = locate_tasks(tasks)
    targets = {name: named(domain, name) for name, domain in tasks.items()}
    judged = {name: None if d is None else named(d, name) for name, d in evaluate.items()}
    for name, rows in judged.items():
        if rows is not None:
            targets[name], judged[name] = settle_labels([targets[name], rows])
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
    prepared: dict[str, Preparations] = {}
    for names in [[name] for name in targets] if difference else [list(targets)]:
        own, asked = {n: targets[n] for n in names}, [judged[n] for n in names]
        learnt = list(own.values())
        prepared |= prepare_questions(chosen, placement, learnt, own, asked, options.network)
    first = FrozenEstimator(next(iter(prepared.values())).shared)
    kinds = [protocol.task for protocol in protocols.values()]
    shared = options.defaults(chosen if difference else first, *kinds)
    allow = options.allow_overlap
    apart = {n: judged_apart(d, fellows(n, targets), allow=allow) for n, d in judged.items()}
    protocols |= {n: protocol_of(n, d) for n, (d, _) in apart.items() if d is not judged[n]}
    joint = joint_candidates(options.methods, placement, targets, shared)
    alone = options.defaults(None, *kinds)
    return {
        name: Question(
            title=name,
            placement=placement,
            sources=(),
            target=targets[name],
            evaluate=apart[name].rows,
            protocol=protocol,
            preparation=prepared[name].shared,
            candidates={**baselines(placement, alone, prepared[name].of), **joint},
            notes=(*apart[name].notes, *protocol.splits.caveats(), *prepared[name].notes()),
        )
        for name, protocol in protocols.items()
    }


def _with_vectors(domain: Domain, encoder: str | None) -> Domain:
    """Encode textual descriptions of classes once, before all fits."""
    if domain.classes is None or domain.classes.texts is None:
        return domain
    return domain.described(encode_descriptions(domain.classes, encoder or MINILM, download=True))
