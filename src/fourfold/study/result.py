"""What a study found, as plain values: printed, drawn in the report, and kept as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, final

from fourfold.core import findings
from fourfold.core.atomic import whole_file
from fourfold.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from fourfold.core.findings import Finding

__all__ = ["Interval", "Line", "Pile", "Points", "Result", "Verdict"]

Verdict: TypeAlias = Literal["helped", "hurt", "undecided"]


@final
@dataclass(frozen=True)
class Pile:
    """One pile of data, in numbers.

    Attributes
    ----------
    name, kind
        What it is called; ``"array"``, ``"pictures"``, ``"sounds"``, ``"texts"``, ``"table"`` or
        ``"sparse"``.
    rows, labelled
        How many, and how many of them have a label.
    shape
        Of one row.
    labels
        Label → how often; empty for numbers.
    digest
        Of inputs and labels.
    """

    name: str
    kind: str
    rows: int
    labelled: int
    shape: list[int]
    labels: dict[str, int]
    digest: str


@final
@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval.

    Attributes
    ----------
    mean, low, high
        The difference, and the ends of its interval after Holm's correction.
    p
        Two-sided p-value, not corrected.
    """

    mean: float
    low: float
    high: float
    p: float


@final
@dataclass
class Line:
    """One method on the leaderboard.

    Attributes
    ----------
    method
        Its class name.
    role
        ``"baseline"`` or ``"transfer"``.
    choice
        What it was chosen by, one value a seed × split: cross-validated scores, or the validator's.
    scores
        What the verdict is made from, one value a seed (evaluation labels) or a seed × split.
    difference
        To the best baseline, in the score's units; None for that baseline, or without scores.
    verdict
        None for baselines.
    seconds
        Of one fit, on average, in this process (what the store already held costs nothing).
    losses
        Each seed's training loss, one value an epoch, from the fit on the whole target.
    parameters
        Those that are not the method's defaults.
    findings
        What the method found out beside its model, on the first seed.
    error
        Why it could not run; empty if it did.
    """

    method: str
    role: Literal["baseline", "transfer"]
    choice: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    difference: Interval | None = None
    verdict: Verdict | None = None
    seconds: float = 0.0
    losses: list[list[float]] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    error: str = ""


@final
@dataclass(frozen=True)
class Points:
    """Rows of both domains as points in the plane.

    Attributes
    ----------
    title
        Which features: prepared inputs, or those that the shipped model learnt.
    x, y
        Coordinates, source rows first.
    source
        Whether a point is the source's.
    label
        Its label, or an empty string.
    """

    title: str
    x: list[float]
    y: list[float]
    source: list[bool]
    label: list[str]


@final
@dataclass
class Result:
    """What a study found.

    Attributes
    ----------
    title
        The question, e.g. ``"mnist → optdigits, few labels"``.
    cell
        The map's cell that the data stand on.
    verdict, sentence
        Whether transfer helped, and that in a sentence for a person.
    metric
        The score's name, e.g. ``"accuracy"``; higher is better.
    chosen_by
        How the shipped model was chosen, without evaluation labels.
    judged_by
        What the scores are measured on.
    shipped, best_baseline
        The method of the model that is handed over, and the baseline that others are compared to.
    notes
        What a careful reader should know: where choice and verdict disagree, what did not run.
    sources, target, evaluate
        The data.
    lines
        The leaderboard, best first.
    classes, confusion
        Class names, and rows of true × columns of predicted counts of the shipped model; empty for
        numbers or without labels to compare with.
    pictures
        Source and target before and after.
    place, open
        What the map says: cell → the reason why it applies or does not; the cells that apply.
    settings
        Everything needed to repeat it: version, seeds, threads, command, date, machine.
    seconds
        Of the whole study.
    """

    title: str
    cell: str
    verdict: Verdict
    sentence: str
    metric: str
    chosen_by: str
    judged_by: str
    shipped: str
    best_baseline: str
    notes: list[str]
    sources: list[Pile]
    target: Pile
    evaluate: Pile | None
    lines: list[Line]
    classes: list[str]
    confusion: list[list[int]]
    pictures: list[Points]
    place: dict[str, str]
    open: list[str]
    settings: dict[str, Any]
    seconds: float

    def save(self, path: Path) -> None:
        """Write it as JSON, all or nothing."""
        with whole_file(path) as part:
            part.write_text(json.dumps(self.to_json(), indent=1), encoding="utf-8")

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold of it: all."""
        raw = asdict(self)
        for line, kept in zip(self.lines, raw["lines"], strict=True):
            kept["findings"] = [findings.to_json(finding) for finding in line.findings]
        return raw

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        DataError
            If the file is no result of a study.
        """
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} must be the result of a study; {error}") from error

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """Read what :meth:`to_json` gave.

        Raises
        ------
        ValueError, KeyError, TypeError
            If it is none.
        """
        return cls(
            **{
                **raw,
                "sources": [Pile(**pile) for pile in raw["sources"]],
                "target": Pile(**raw["target"]),
                "evaluate": Pile(**raw["evaluate"]) if raw["evaluate"] else None,
                "lines": [_line(line) for line in raw["lines"]],
                "pictures": [Points(**points) for points in raw["pictures"]],
            }
        )


def _line(raw: dict[str, Any]) -> Line:
    difference = Interval(**raw["difference"]) if raw["difference"] else None
    found = [findings.from_json(finding) for finding in raw["findings"]]
    return Line(**{**raw, "difference": difference, "findings": found})
