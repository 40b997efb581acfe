"""Results of studies as plain values: printed, drawn in the report, and kept as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self, final

from fourfold.core import findings
from fourfold.core.atomic import whole_file
from fourfold.errors import DataError
from fourfold.study.backtesting.trials import Backtest
from fourfold.study.diagnostics.decisions import Decisions
from fourfold.study.leaderboard import JointRow, LeaderboardRow

if TYPE_CHECKING:
    from pathlib import Path

    from fourfold.study.gate import Verdict

__all__ = ["DataSummary", "JointResult", "Points", "Result"]


@final
@dataclass(frozen=True)
class DataSummary:
    """A domain in numbers.

    Attributes
    ----------
    name
        Its name.
    kind
        ``"array"``, ``"pictures"``, ``"sounds"``, ``"texts"``, ``"table"`` or ``"sparse"``.
    rows, labelled
        Numbers of rows, and of rows with a label.
    shape
        Of one row.
    labels
        Label → its frequency; empty for numbers.
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
class Points:
    """Rows of both domains as points in the plane.

    Attributes
    ----------
    title
        Their features: prepared inputs, or features of the shipped model.
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
    """Result of a study of one target, or of one task among several.

    Attributes
    ----------
    title
        The question, e.g. ``"mnist → optdigits, few labels"``.
    cell
        The cell of the map with these data.
    verdict, sentence
        Whether transfer helped, and the answer in a sentence.
    metric
        The score's name, e.g. ``"accuracy"``.
    chosen_by
        Criterion of model selection, without evaluation labels.
    judged_by
        Data behind the scores.
    shipped, best_baseline
        Method of the shipped model, and the baseline of all differences.
    corrected
        Score of the shipped model on its folds without the optimism of the choice; None where other
        rows judge.
    notes
        Caveats: disagreement of choice and verdict, failures of methods.
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
        The map: cell → the reason why it applies or does not; the cells that apply.
    settings
        All that repeats the study: version, seeds, threads, command, date, machine.
    reading, doubts
        How the data were read, by kinds of columns, and remarks on what was uncertain.
    seconds
        Of the whole study; 0 for one task among several.
    decisions
        The worth of the shipped model of two classes for decisions; None for others, and before
        the study ends.
    backtest
        The choice without labels, tried on shifts of the source; None where labels choose, or where
        the time was too short.
    lower_is_better
        Whether the metric is an error: lower values, and differences below zero, are better.
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
    sources: list[DataSummary]
    target: DataSummary
    evaluate: DataSummary | None
    lines: list[LeaderboardRow]
    classes: list[str]
    confusion: list[list[int]]
    pictures: list[Points]
    place: dict[str, str]
    open: list[str]
    settings: dict[str, Any]
    reading: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    seconds: float = 0.0
    lower_is_better: bool = False
    corrected: float | None = None
    decisions: Decisions | None = None
    backtest: Backtest | None = None

    def save(self, path: Path) -> None:
        """Write the result as JSON, all or nothing."""
        _write(self.to_json(), path)

    def to_json(self) -> dict[str, Any]:
        """Return the whole result as JSON can hold it."""
        raw = asdict(self)
        for row, kept in zip(self.lines, raw["lines"], strict=True):
            kept["findings"] = [findings.to_json(finding) for finding in row.findings]
        return raw

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a saved result.

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
        """Read a result from the values of :meth:`to_json`.

        Raises
        ------
        ValueError, KeyError, TypeError
            If it is none.
        """
        return cls(
            **{
                **raw,
                "sources": [DataSummary(**source) for source in raw["sources"]],
                "target": DataSummary(**raw["target"]),
                "evaluate": DataSummary(**raw["evaluate"]) if raw["evaluate"] else None,
                "lines": [LeaderboardRow.from_json(row) for row in raw["lines"]],
                "pictures": [Points(**points) for points in raw["pictures"]],
                "decisions": Decisions.from_json(raw["decisions"]) if raw["decisions"] else None,
                "backtest": Backtest.from_json(raw["backtest"]) if raw["backtest"] else None,
            }
        )


@final
@dataclass
class JointResult:
    """Result of a study of several tasks: a Result for each, and the gains over all.

    Attributes
    ----------
    title
        The question.
    sentence
        The answer in a sentence.
    verdict
        Whether the chosen method helped all in all.
    chosen
        The best joint method by cross-validation, without evaluation labels; empty without one.
    leave_out
        Tasks hurt by the chosen method, and better learnt alone.
    shipped
        Task → method of its shipped model: the best by cross-validation, joint or alone.
    lines
        The joint methods, the chosen one first.
    results
        Task → its own result, with joint methods and baselines on one leaderboard.
    notes
        Caveats.
    seconds
        Of the whole study.

    Notes
    -----
    Δm = 100/K·Σ (−1)^δ (M_m − M_b)/M_b over K tasks, δ = 1 where higher is better, M_b of the same
    network trained on the task alone. R² may be zero, so it counts as the unexplained share 1 − R²,
    where lower is better.
    """

    title: str
    sentence: str
    verdict: Verdict
    chosen: str
    leave_out: list[str]
    shipped: dict[str, str]
    lines: list[JointRow]
    results: dict[str, Result]
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        """Write the result as JSON, all or nothing."""
        raw = {
            **vars(self),
            "lines": [asdict(row) for row in self.lines],
            "results": {name: result.to_json() for name, result in self.results.items()},
        }
        _write(raw, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a saved result.

        Raises
        ------
        DataError
            If the file is no result of a study of several tasks.
        """
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            raw["lines"] = [JointRow.from_json(row) for row in raw["lines"]]
            results = raw["results"].items()
            raw["results"] = {name: Result.from_json(result) for name, result in results}
            return cls(**raw)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} must be the result of a study of tasks; {error}") from error


def _write(raw: dict[str, Any], path: Path) -> None:
    with whole_file(path) as part:
        part.write_text(json.dumps(raw, indent=1), encoding="utf-8")
