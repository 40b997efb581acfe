"""Classes without examples, known by descriptions: recognize them."""

from __future__ import annotations

from fourfold.errors import some
from fourfold.methods import methods_of
from fourfold.methods.cell import Cell, Facts, Ruling, decide

__getattr__, __dir__, __all__ = methods_of(__name__)


def _applies(facts: Facts) -> Ruling:
    return decide(
        f"classes are described that have no examples: {some(facts.unseen, 4)}",
        (not facts.described, "the classes are not described"),
        (not (facts.source_labelled or facts.towers), "the source has no labels"),
        (facts.target_labelled > 0, "the target has labels, which other cells use"),
        (facts.numbers, "the labels are numbers or answers, not classes"),
        (not facts.unseen, "every class that is described has examples in the source"),
    )


CELL = Cell(
    position=5,
    title="Zero-shot learning",
    source_labelled=True,
    target_labelled=False,
    source="labelled, or a trained network of two towers",
    target="unlabelled",
    label_spaces="different, classes described",
    summary="recognize classes by their descriptions",
    applies=_applies,
    baselines=("Chance", "RidgeToDescriptions"),
    home=lambda facts: (
        (facts.source_labelled > 0 or facts.towers)
        and not facts.target_labelled
        and len(facts.unseen) > 0
    ),
    page="zeroshot.md",
)
