"""A cell of the map, and the facts about data that its rule reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias, final

__all__ = ["Cell", "Facts", "Rule", "Ruling", "both_labelled", "decide", "taught"]


class Facts(NamedTuple):
    """Properties of the data that decide where they stand.

    Attributes
    ----------
    source_labelled, target_labelled
        Numbers of labelled rows.
    target_rows
        Number of rows of the target.
    strange
        Labels of the target that the source lacks.
    unseen
        Described classes that the source lacks.
    numbers
        Whether labels are numbers, or several answers a row, and not classes.
    described
        Whether classes are described.
    features
        ``"columns"`` of tables and vectors, ``"words"`` of texts and counts, ``"pictures"`` of
        pictures and sounds; empty for others.
    transcripts
        Whether labels are transcripts of utterances.
    network
        Whether a trained network is the source, in place of data.
    towers
        Whether that network is one of two towers, which know classes by their names.
    open_set
        Whether rows of the target may be of no class of the source.
    differ
        Difference in kind between the labels of source and target, in words; empty for none.
    """

    source_labelled: int
    target_labelled: int
    target_rows: int
    strange: tuple[str, ...]
    unseen: tuple[str, ...]
    numbers: bool
    described: bool
    features: str = "columns"
    transcripts: bool = False
    differ: str = ""
    network: bool = False
    towers: bool = False
    open_set: bool = False


class Ruling(NamedTuple):
    """Whether a cell applies to the data, and the reason in a few words."""

    applies: bool
    reason: str


Rule: TypeAlias = Callable[[Facts], Ruling]


def decide(reason: str, *obstacles: tuple[bool, str]) -> Ruling:
    """Rule that a cell applies for a reason, unless there is an obstacle: the first is named."""
    found = [obstacle for there, obstacle in obstacles if there]
    return Ruling(applies=not found, reason=[*found, reason][0])


def both_labelled(facts: Facts) -> Ruling:
    """Rule that a cell applies where source and target have labels."""
    return decide(
        f"both have labels, the target {facts.target_labelled} of them",
        (facts.network, "the source is a trained network, not data"),
        (not facts.source_labelled, "the source has no labels"),
        (not facts.target_labelled, "the target has no labels"),
    )


def taught(facts: Facts) -> Ruling:
    """Rule that a cell applies where the target has labels, and the source too or is a network."""
    if not facts.network:
        return both_labelled(facts)
    return decide(
        f"the source is a trained network, the target has {facts.target_labelled} labels",
        (not facts.target_labelled, "the target has no labels"),
    )


def _nobody(_facts: Facts) -> bool:
    return False


@final
class Cell(NamedTuple):
    """One cell of the map, declared as ``CELL`` in the ``__init__`` of its folder.

    Attributes
    ----------
    position
        Place on the printed map, from 1.
    title
        Name in a sentence, such as ``"Fine-tuning"``.
    source_labelled, target_labelled
        The answers to the map's two questions.
    source, target
        Requirements on the labels of both domains, in words.
    label_spaces
        Relation of the two label spaces, in words.
    summary
        What is done there, in one verb phrase.
    applies
        Rule that decides from :class:`Facts`, with its reason.
    baselines
        Class names of the baselines that run beside every method of the cell.
    also
        Class names of shared methods that compete in the cell where data stand on it.
    elsewhere
        Class names of those of its methods that a study tries by itself where data stand on another
        cell; None for all.
    home
        Whether data with these facts stand on this cell; at most one cell answers yes.
    page
        Page of the documentation, if there is one.
    name
        Its folder, filled in where the map is read.
    """

    position: int
    title: str
    source_labelled: bool
    target_labelled: bool
    source: str
    target: str
    label_spaces: str
    summary: str
    applies: Rule
    baselines: tuple[str, ...]
    also: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] | None = None
    home: Callable[[Facts], bool] = _nobody
    page: str = ""
    name: str = ""
