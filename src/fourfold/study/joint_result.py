"""What a study of several tasks found: each task's result, and what sharing did to all."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self, final

from fourfold.core.atomic import whole_file
from fourfold.errors import DataError
from fourfold.study.result import Interval, Result

if TYPE_CHECKING:
    from pathlib import Path

    from fourfold.study.result import Verdict

__all__ = ["Gain", "JointLine", "JointResult"]


@final
@dataclass(frozen=True)
class Gain:
    """What sharing did to one task.

    Attributes
    ----------
    difference
        To the best of what learns the task alone, in the score's units; None without scores.
    verdict
        After Holm's correction over tasks × methods.
    """

    difference: Interval | None
    verdict: Verdict


@final
@dataclass(frozen=True)
class JointLine:
    """What one method did to all tasks.

    Attributes
    ----------
    method
        Its name.
    delta
        Δm in percent, the mean relative loss against the same network alone: **below zero is
        better**; None where it cannot be said.
    gains
        Task → what it gained.
    error
        Why the method could not run; empty if it did.
    """

    method: str
    delta: Interval | None
    gains: dict[str, Gain]
    error: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether the method helped all in all, or hurt: each task the same way, or else its Δm."""
        each = {gain.verdict for gain in self.gains.values()}
        if each in ({"helped"}, {"hurt"}):
            return each.pop()
        if self.delta is None or self.delta.low <= 0 <= self.delta.high:
            return "undecided"
        return "helped" if self.delta.high < 0 else "hurt"

    def tasks(self, verdict: Verdict) -> list[str]:
        """Name the tasks with a verdict."""
        return [name for name, gain in self.gains.items() if gain.verdict == verdict]


@final
@dataclass
class JointResult:
    """What a study of several tasks found.

    Attributes
    ----------
    title
        The question.
    sentence
        The answer, for a person.
    verdict
        Whether the method that would be chosen helped all in all, by the interval of its Δm.
    chosen
        That method: the best by cross-validation, without evaluation labels; empty without one.
    leave_out
        The tasks that it hurts, which better learn alone.
    shipped
        Task → the method of the model that is handed over: the best by cross-validation, joint or
        alone.
    lines
        The joint methods, the chosen one first.
    results
        Task → its own leaderboard, sharing and alone.
    notes
        What a careful reader should know.
    seconds
        Of the whole study.

    Notes
    -----
    Δm = 100/K·Σ (−1)^δ (M_m − M_b)/M_b over K tasks, δ = 1 where higher is better, M_b of the same
    network trained on the task alone. R², which may be zero, counts as the share 1 − R² that is not
    explained, where lower is better.
    """

    title: str
    sentence: str
    verdict: Verdict
    chosen: str
    leave_out: list[str]
    shipped: dict[str, str]
    lines: list[JointLine]
    results: dict[str, Result]
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        """Write it as JSON, all or nothing."""
        raw = {
            **vars(self),
            "lines": [asdict(line) for line in self.lines],
            "results": {name: result.to_json() for name, result in self.results.items()},
        }
        with whole_file(path) as part:
            part.write_text(json.dumps(raw, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        DataError
            If the file is no result of a study of several tasks.
        """
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            raw["lines"] = [_line(line) for line in raw["lines"]]
            results = raw["results"].items()
            raw["results"] = {name: Result.from_json(result) for name, result in results}
            return cls(**raw)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} must be the result of a study of tasks; {error}") from error


def _line(raw: dict[str, Any]) -> JointLine:
    gains = {
        name: Gain(_interval(gain["difference"]), gain["verdict"])
        for name, gain in raw["gains"].items()
    }
    return JointLine(**{**raw, "delta": _interval(raw["delta"]), "gains": gains})


def _interval(raw: dict[str, float] | None) -> Interval | None:
    return None if raw is None else Interval(**raw)
