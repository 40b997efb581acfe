"""An unlabelled source and a labelled target: learn features without labels."""

from __future__ import annotations

from fourfold.methods import methods_of
from fourfold.methods.cell import Cell, Facts, Ruling, decide

__getattr__, __dir__, __all__ = methods_of(__name__)


def _applies(facts: Facts) -> Ruling:
    return decide(
        "only the target has labels",
        (facts.network, "the source is a trained network, which other cells use"),
        (facts.source_labelled > 0, "the source has labels, which other cells use"),
        (not facts.target_labelled, "the target has no labels"),
    )


CELL = Cell(
    position=6,
    title="Self-taught learning",
    source_labelled=False,
    target_labelled=True,
    source="unlabelled",
    target="labelled",
    label_spaces="-",
    summary="learn features without labels",
    applies=_applies,
    baselines=("TargetOnly", "Linear", "KernelSVM", "TargetBoosted", "LinearPCA"),
    home=lambda facts: not facts.source_labelled and facts.target_labelled > 0,
    page="selftaught.md",
)
