"""Several labelled tasks that all matter: learn them on shared layers."""

from __future__ import annotations

from fourfold.methods import methods_of
from fourfold.methods.cell import Cell, Facts, Ruling

__getattr__, __dir__, __all__ = methods_of(__name__)


def _applies(_facts: Facts) -> Ruling:
    reason = "the data are a source and a target, not tasks that all matter"
    return Ruling(applies=False, reason=reason)


CELL = Cell(
    position=2,
    title="Multi-task learning",
    source_labelled=True,
    target_labelled=True,
    source="several, all labelled, all matter",
    target="-",
    label_spaces="any",
    summary="learn several tasks on shared layers",
    applies=_applies,
    baselines=("TargetOnly", "Linear", "KernelSVM", "TargetBoosted"),
    page="multitask.md",
)
