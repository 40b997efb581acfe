"""A labelled source, a target without labels or with some: make the domains look alike."""

from __future__ import annotations

from fourfold.errors import counted, some
from fourfold.methods import methods_of
from fourfold.methods.cell import Cell, Facts, Ruling, decide

__getattr__, __dir__, __all__ = methods_of(__name__)


def _applies(facts: Facts) -> Ruling:
    unlabelled = facts.target_rows - facts.target_labelled
    lacking = facts.strange or (() if facts.target_labelled else facts.unseen)
    return decide(
        f"{counted(unlabelled, 'row')} of the target without a label",
        (not facts.source_labelled, "the source has no labels"),
        (not unlabelled, "every row of the target has its label: nothing is left to guess"),
        (bool(facts.differ), f"the labels differ in kind: {facts.differ}"),
        (bool(lacking), f"the source lacks classes of the target: {some(lacking, 4)}"),
    )


CELL = Cell(
    position=4,
    title="Domain adaptation",
    source_labelled=True,
    target_labelled=False,
    source="labelled",
    target="unlabelled or partly labelled",
    label_spaces="the same",
    summary="make the domains look alike",
    applies=_applies,
    baselines=(
        *("SourceOnly", "SourceLinear", "SourceSVM", "SourceBoosted"),
        *("TargetOnly", "Linear", "KernelSVM", "TargetBoosted"),
    ),
    elsewhere=("CORAL", "MCC", "SelfTraining", "SHOT"),
    page="adaptation.md",
    home=lambda facts: facts.source_labelled > 0 and not facts.target_labelled and not facts.unseen,
)
