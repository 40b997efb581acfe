"""No labels anywhere: cluster the target with the help of other data."""

from __future__ import annotations

from fourfold.methods import methods_of
from fourfold.methods.cell import Cell, Facts, Ruling, decide

__getattr__, __dir__, __all__ = methods_of(__name__)


def _applies(facts: Facts) -> Ruling:
    labelled = facts.source_labelled + facts.target_labelled > 0
    return decide(
        "nothing has a label",
        (labelled, "there are labels, which other cells use"),
        (facts.network, "the source is a trained network, which other cells use"),
    )


CELL = Cell(
    position=7,
    title="Self-taught clustering",
    source_labelled=False,
    target_labelled=False,
    source="unlabelled",
    target="unlabelled",
    label_spaces="-",
    summary="cluster with the help of other data",
    applies=_applies,
    baselines=("KMeansClustering", "SpectralCoClustering", "CoClustering"),
    home=lambda facts: not (facts.source_labelled or facts.target_labelled or facts.network),
    page="clustering.md",
)
