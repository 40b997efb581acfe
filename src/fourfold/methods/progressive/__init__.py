"""A labelled source that may be unrelated: add a column beside frozen ones."""

from __future__ import annotations

from fourfold.methods import methods_of
from fourfold.methods.cell import Cell, Facts, Ruling

__getattr__, __dir__, __all__ = methods_of(__name__)


def _applies(facts: Facts) -> Ruling:
    if not facts.source_labelled:
        return Ruling(applies=False, reason="the source has no labels")
    if not facts.target_labelled:
        return Ruling(applies=False, reason="the target has no labels")
    return Ruling(
        applies=True, reason=f"both have labels, the target {facts.target_labelled} of them"
    )


CELL = Cell(
    position=3,
    title="Progressive networks",
    source_labelled=True,
    target_labelled=True,
    source="labelled, unsure whether related",
    target="labelled",
    label_spaces="any",
    summary="add a column beside frozen ones",
    applies=_applies,
    baselines=("TargetOnly", "Linear", "RandomColumn"),
    page="progressive.md",
)
