"""Posing: all of a study that is decided by labels and options, and refused before training.

The map asks the same questions, so that it promises nothing that a study refuses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from fourfold.data.differences import input_difference
from fourfold.errors import DataError
from fourfold.planner import locate, locate_tasks
from fourfold.preparation.choose import in_view
from fourfold.preparation.layout import note as layout_note
from fourfold.study.asking.absent import Absent
from fourfold.study.asking.arrays import unit_notes
from fourfold.study.asking.augmenting import augmentation_note, possible_augmentation
from fourfold.study.asking.given import of_transfer
from fourfold.study.asking.named_classes import naming_notes
from fourfold.study.asking.open_set import answer_unknown
from fourfold.study.asking.options import Options, choose_protocol
from fourfold.study.asking.preparations import check_inputs
from fourfold.study.asking.trained import has_towers
from fourfold.study.candidates import transfer_candidates
from fourfold.study.checks import named
from fourfold.study.overlap import judged_apart
from fourfold.study.protocols import common_folds, labelled_protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.planner import Placement
    from fourfold.study.asking.preparations import Preparations
    from fourfold.study.asking.trained import TrainedSource
    from fourfold.study.protocols import Protocol

__all__ = ["Posed", "check_tasks", "check_transfer", "place", "pose"]


@final
@dataclass(frozen=True)
class Posed:
    """A question of transfer before its inputs are prepared.

    Attributes
    ----------
    placement
        Place of the data on the map.
    protocol
        Task, scores, splits and validator.
    judged
        Rows to evaluate on, apart from those that are learnt from.
    absent
        Classes of the source without a label of the target.
    notes
        Caveats of the data.
    n_sources
        Number of sources.
    """

    placement: Placement
    protocol: Protocol
    judged: Domain | None
    absent: Absent
    notes: list[str]
    options: Options
    n_sources: int

    def candidates(self, prepared: Preparations | None = None) -> dict[str, TransferEstimator]:
        """Return the methods and their baselines by name, with their preparations."""
        defaults = self.options.defaults(None, self.protocol.task)
        if self.n_sources > 1:
            defaults |= {"columns": self.n_sources}
        candidates = transfer_candidates(
            self.options.methods,
            self.placement,
            defaults,
            self.protocol.parameters,
            None if prepared is None else prepared.of,
            pretrained=self.options.pretrained,
            trained=self.options.trained,
        )
        if self.options.open_set:
            answer_unknown(candidates)
        if prepared is not None:
            for one in candidates.values():
                one.check_for(self.protocol.task, in_view(prepared.shared, one.table_view))
        return candidates


def place(sources: Sequence[Domain], target: Domain, options: Options) -> Placement:
    """Place the data of a study on the map, or a trained network that is its source.

    Raises
    ------
    DataError
        If they stand nowhere.
    """
    trained = options.trained
    return locate(
        sources,
        target,
        network=trained is not None,
        towers=has_towers(trained),
        open_set=options.open_set,
    )


def pose(
    sources: Sequence[Domain], target: Domain, evaluate: Domain | None, options: Options
) -> Posed:
    """Decide all that labels and options decide.

    Raises
    ------
    DataError, ParameterError
        If data or options do not fit.
    """
    placement = place(sources, target, options)
    protocol = choose_protocol(placement, sources, target, evaluate, options)
    taught = {"target": [target], "source": sources}
    judged, notes = judged_apart(evaluate, taught, allow=options.allow_overlap)
    if judged is not evaluate:
        try:
            protocol = choose_protocol(placement, sources, target, judged, options)
        except DataError as error:
            raise DataError("; ".join([str(error), *notes])) from error
    asked = Posed(placement, protocol, judged, Absent(), [], options, len(sources))
    candidates, absent = asked.candidates(), Absent()
    if placement.cell not in {"zeroshot", "clustering"} and not options.open_set:
        absent = Absent.of(candidates, sources, target)
        absent.check(judged, target)
    notes += [*protocol.notes, *protocol.splits.caveats(), *absent.notes()]
    notes += [said for said in [layout_note(target.rows)] if said]
    notes += unit_notes([*sources, target])
    read = placement.cell == "zeroshot" or any(one.needs.towers for one in candidates.values())
    if read and has_towers(options.trained):
        notes += naming_notes(options.trained, target)
    domains = [*sources, target]
    notes += augmentation_note(domains, candidates.values(), options.pretrained)
    if target.classes is not None and not read:
        notes.append(f"Descriptions of classes are not used: {placement.reasons['zeroshot']}.")
    return Posed(placement, protocol, judged, absent, notes, options, len(sources))


def check_transfer(
    source: Domain | Sequence[Domain] | None,
    target: Domain,
    evaluate: Domain | None = None,
    trained: TrainedSource | None = None,
    *,
    open_set: bool = False,
) -> list[str]:
    """Refuse data as a study of transfer would, and return its notes.

    With ``open_set``, rows of the target may be of no class of the source.

    Raises
    ------
    DataError, ParameterError
        If a study would refuse them.
    """
    network = trained is not None
    sources, target, evaluate = of_transfer(source, target, evaluate, trained=network)
    options = Options(trained=trained, open_set=open_set)
    placement = place(sources, target, options)
    if placement.cell == "clustering":
        options = replace(options, clusters=2)
    inputs = check_inputs(placement, [*sources, target], [evaluate], trained)
    notes = [*pose(sources, target, evaluate, options).notes, *inputs]
    if any(note.startswith("Augmentation") for note in notes):
        return notes
    return [*notes, *possible_augmentation([*sources, target])]


def check_tasks(tasks: Mapping[str, Domain]) -> list[str]:
    """Refuse data as a study of tasks would, and return its notes.

    Raises
    ------
    DataError
        If a study would refuse them.
    """
    placement = locate_tasks(tasks)
    targets = {name: named(domain, name) for name, domain in tasks.items()}
    folds = common_folds(targets, Options().folds)
    protocols = [
        labelled_protocol([], domain, None, folds=folds, metric=None) for domain in targets.values()
    ]
    notes = [note for protocol in protocols for note in protocol.splits.caveats()]
    apart = [[domain] for domain in targets.values()]
    for learnt in apart if input_difference(targets) else [[*targets.values()]]:
        notes += check_inputs(placement, learnt)
    return notes
