"""The map: where somebody stands, which methods apply there, and why the others do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from fourfold.domain import descriptions
from fourfold.errors import DataError, some
from fourfold.methods import BASELINES, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fourfold.domain import Domain
    from fourfold.methods import Entry

__all__ = ["CELLS", "Cell", "Plan", "locate", "locate_tasks"]


@final
@dataclass(frozen=True)
class Cell:
    """One cell of the map.

    Attributes
    ----------
    name
        Its folder under ``methods``.
    source, target
        What must be labelled.
    labels
        How the two label spaces relate.
    summary
        What is done there, in plain words.
    baselines
        What runs beside every method.
    """

    name: str
    source: str
    target: str
    labels: str
    summary: str
    baselines: tuple[str, ...]


CELLS: Final = (
    Cell(
        "finetuning",
        "labelled, or a trained network",
        "labelled, few",
        "any",
        "start from what the source taught",
        ("TargetOnly", "Linear", "SourceOnly"),
    ),
    Cell(
        "multitask",
        "several, all labelled, all matter",
        "-",
        "any",
        "learn several tasks on shared layers",
        ("TargetOnly", "Linear"),
    ),
    Cell(
        "progressive",
        "labelled, unsure whether related",
        "labelled",
        "any",
        "add a column beside frozen ones",
        ("TargetOnly", "Linear", "RandomColumn"),
    ),
    Cell(
        "adaptation",
        "labelled",
        "unlabelled or partly labelled",
        "the same",
        "make the domains look alike",
        ("SourceOnly", "TargetOnly", "Linear"),
    ),
    Cell(
        "zeroshot",
        "labelled",
        "unlabelled",
        "different, classes described",
        "recognize classes by their descriptions",
        ("Chance", "RidgeToDescriptions"),
    ),
    Cell(
        "selftaught",
        "unlabelled",
        "labelled",
        "-",
        "learn features without labels",
        ("TargetOnly", "Linear", "LinearPCA"),
    ),
    Cell(
        "clustering",
        "unlabelled",
        "unlabelled",
        "-",
        "cluster with the help of other data",
        ("KMeansClustering", "SpectralCoClustering", "CoClustering"),
    ),
)


@final
@dataclass(frozen=True)
class Plan:
    """Where the data stand on the map.

    Attributes
    ----------
    cell
        The cell they stand on.
    reasons
        Cell → why it applies or does not, in the order of the map.
    open
        The cells that apply.
    methods
        What can run, by class name.
    baselines
        What runs beside it.
    skipped
        Method → why it does not apply.
    """

    cell: str
    reasons: dict[str, str]
    open: tuple[str, ...]
    methods: tuple[str, ...]
    baselines: tuple[str, ...]
    skipped: dict[str, str]

    def beside(self, methods: Iterable[str]) -> tuple[str, ...]:
        """Return the baselines of the cells that methods, by class name, are of."""
        cells = {table()[name].cell for name in methods if name in table()}
        wanted = {b for cell in CELLS if cell.name in cells for b in cell.baselines}
        return tuple(b for b in self.baselines if b in wanted)


@final
@dataclass(frozen=True)
class _Facts:
    """What the map asks of the data."""

    source_labelled: int
    target_labelled: int
    target_rows: int
    strange: tuple[str, ...]
    """Labels of the target that the source lacks."""
    unseen: tuple[str, ...]
    """Described classes that the source lacks."""
    numbers: bool
    described: bool

    @classmethod
    def of(cls, sources: Sequence[Domain], target: Domain) -> _Facts:
        known = {label for source in sources for label in source.counts}
        classes = target.classes or descriptions(sources)
        numbers = any(pile.measured for pile in (*sources, target))
        labelled = sum(source.n_labelled for source in sources)

        def lacking(names: Iterable[object]) -> tuple[str, ...]:
            return tuple(str(name) for name in names if name not in known)

        return cls(
            source_labelled=labelled,
            target_labelled=target.n_labelled,
            target_rows=target.n_rows,
            strange=lacking(target.counts) if labelled and not numbers else (),
            unseen=lacking(classes or ()) if labelled and not numbers else (),
            numbers=numbers,
            described=classes is not None,
        )


def locate(sources: Sequence[Domain], target: Domain) -> Plan:
    """Tell where on the map somebody stands.

    Parameters
    ----------
    sources
        What knowledge may come from; at least one.
    target
        What is to be solved.

    Raises
    ------
    DataError
        If there is no source.
    """
    if not sources:
        raise DataError("there must be at least one source to stand on the map; got none")
    facts = _Facts.of(sources, target)
    verdicts = {cell.name: _RULES[cell.name](facts) for cell in CELLS}
    cell = _standing(facts)
    entries = [entry for entry in table().values() if entry.cell != BASELINES]
    open_ = tuple(name for name, (applies, _) in verdicts.items() if applies)
    asked = dict.fromkeys(b for c in CELLS if c.name in open_ for b in c.baselines)
    lacking = {
        entry.name: _lacks(entry, facts)
        for entry in table().values()
        if entry.cell in open_ or entry.name in asked
    }
    return Plan(
        cell=cell,
        reasons={name: reason for name, (_, reason) in verdicts.items()},
        open=open_,
        methods=tuple(e.name for e in entries if e.cell in open_ and not lacking[e.name]),
        baselines=tuple(b for b in asked if not lacking.get(b, b)),
        skipped={e.name: verdicts[e.cell][1] for e in entries if e.cell not in open_}
        | {name: lack for name, lack in lacking.items() if lack},
    )


def locate_tasks(tasks: Mapping[str, Domain]) -> Plan:
    """Tell what applies to several tasks that all matter.

    Raises
    ------
    DataError
        If there are fewer than two, or one without labels.
    """
    if len(tasks) < 2:
        raise DataError(f"there must be at least two tasks to share anything; got {len(tasks)}")
    for name, domain in tasks.items():
        if not domain.n_labelled:
            raise DataError(f"task {name!r} must have labels; got none")
    here = next(cell for cell in CELLS if cell.name == "multitask")
    entries = [entry for entry in table().values() if entry.cell != BASELINES]
    other = "the piles are tasks that all matter, not a source and a target"
    return Plan(
        cell=here.name,
        reasons={
            cell.name: f"{len(tasks)} tasks, all with labels" if cell is here else other
            for cell in CELLS
        },
        open=(here.name,),
        methods=tuple(entry.name for entry in entries if entry.cell == here.name),
        baselines=here.baselines,
        skipped={entry.name: other for entry in entries if entry.cell != here.name},
    )


def _standing(facts: _Facts) -> str:
    if facts.source_labelled:
        if facts.target_labelled:
            return "finetuning"
        return "zeroshot" if facts.unseen else "adaptation"
    return "selftaught" if facts.target_labelled else "clustering"


def _transfers(facts: _Facts) -> tuple[bool, str]:
    if not facts.source_labelled:
        return False, "the source has no labels"
    if not facts.target_labelled:
        return False, "the target has no labels"
    return True, f"both have labels, the target {facts.target_labelled} of them"


def _shares(_facts: _Facts) -> tuple[bool, str]:
    return False, "the piles are a source and a target, not tasks that all matter (--task)"


def _adapts(facts: _Facts) -> tuple[bool, str]:
    unlabelled = facts.target_rows - facts.target_labelled
    if not facts.source_labelled:
        return False, "the source has no labels"
    if not unlabelled:
        return False, "every row of the target has its label: nothing is left to guess"
    strange = facts.strange or (() if facts.target_labelled else facts.unseen)
    if strange:
        return False, f"the source lacks classes of the target: {some(strange, 4)}"
    return True, f"{unlabelled} rows of the target have no label"


def _describes(facts: _Facts) -> tuple[bool, str]:
    if not facts.described:
        return False, "the classes are not described (--classes)"
    if not facts.source_labelled:
        return False, "the source has no labels"
    if facts.target_labelled:
        return False, "the target has labels, which other cells use"
    if facts.numbers:
        return False, "the labels are numbers, not classes"
    if not facts.unseen:
        return False, "every class that is described has examples in the source"
    return True, f"classes are described that have no examples: {some(facts.unseen, 4)}"


def _teaches_itself(facts: _Facts) -> tuple[bool, str]:
    if facts.source_labelled:
        return False, "the source has labels, which other cells use"
    if not facts.target_labelled:
        return False, "the target has no labels"
    return True, "only the target has labels"


def _clusters(facts: _Facts) -> tuple[bool, str]:
    if facts.source_labelled or facts.target_labelled:
        return False, "there are labels, which other cells use"
    return True, "nothing has a label"


_RULES: Final[dict[str, Callable[[_Facts], tuple[bool, str]]]] = {
    "finetuning": _transfers,
    "multitask": _shares,
    "progressive": _transfers,
    "adaptation": _adapts,
    "zeroshot": _describes,
    "selftaught": _teaches_itself,
    "clustering": _clusters,
}
"""Cell → whether it applies to the facts, and why."""


def _lacks(entry: Entry, facts: _Facts) -> str:
    """Say what a method lacks to run where its cell applies; nothing if it can."""
    if entry.needs.get("target_labels", True) and not facts.target_labelled:
        return "the target has no labels"
    if entry.needs.get("same_labels") and facts.strange:
        return f"the source lacks classes of the target: {some(facts.strange, 4)}"
    if entry.needs.get("classes") and facts.numbers:
        return "the labels are numbers, not classes"
    return ""
