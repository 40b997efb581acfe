"""Few target labels, and a labelled source or a trained network to start from."""

from __future__ import annotations

from fourfold.methods import methods_of
from fourfold.methods.cell import Cell, taught

__getattr__, __dir__, __all__ = methods_of(__name__)

CELL = Cell(
    position=1,
    title="Fine-tuning",
    source_labelled=True,
    target_labelled=True,
    source="labelled, or a trained network",
    target="labelled, few",
    label_spaces="any",
    summary="start from what the source taught",
    applies=taught,
    baselines=("TargetOnly", "Linear", "KernelSVM", "TargetBoosted"),
    also=("SourceOnly",),
    home=lambda facts: (facts.source_labelled > 0 or facts.network) and facts.target_labelled > 0,
    page="finetuning.md",
)
