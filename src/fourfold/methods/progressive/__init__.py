"""A labelled source that may be unrelated: add a column beside frozen ones."""

from __future__ import annotations

from fourfold.methods import methods_of
from fourfold.methods.cell import Cell, both_labelled

__getattr__, __dir__, __all__ = methods_of(__name__)

CELL = Cell(
    position=3,
    title="Progressive networks",
    source_labelled=True,
    target_labelled=True,
    source="labelled, unsure whether related",
    target="labelled",
    label_spaces="any",
    summary="add a column beside frozen ones",
    applies=both_labelled,
    baselines=("TargetOnly", "Linear", "KernelSVM", "TargetBoosted", "RandomColumn"),
    page="progressive.md",
)
