"""Rows of leaderboards: a method on one question, and a joint method over several tasks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Self, final

import numpy as np

from fourfold.core import findings
from fourfold.study.choice.accuracy import Estimate
from fourfold.study.gate import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.core.findings import Finding
    from fourfold.study.gate import Verdict
    from fourfold.study.metrics.base import Score

__all__ = [
    "SOURCE_MODELS",
    "SOURCE_TIE",
    "Expected",
    "Gain",
    "JointRow",
    "LeaderboardRow",
    "best_baseline",
    "best_choice",
]


TIE: Final = 0.005
"""Difference of expected gains up to which the simpler candidate is chosen."""
SOURCE_TIE: Final = 0.01
"""Difference of scores on the source's labels up to which the simpler source model is chosen."""
SOURCE_MODELS: Final = ("SourceLinear", "SourceBoosted", "SourceSVM", "SourceOnly")
"""Models of the source as they are, from the simplest on."""


@final
@dataclass(frozen=True)
class Expected:
    """Expected gain of a candidate over the reference, a share of its error, and where it is from.

    Attributes
    ----------
    mean, sd
        All in all: each source counts by its variance.
    prior, prior_sd
        By the method alone, from public tasks.
    evidence, evidence_sd
        By this study's held-out rows; None without any.
    prior_known
        Whether such tasks were measured on this cell of the map.
    """

    mean: float
    sd: float
    prior: float
    prior_sd: float
    evidence: float | None = None
    evidence_sd: float | None = None
    prior_known: bool = False

    @property
    def before(self) -> Expected:
        """The same without this study's evidence."""
        return Expected(self.prior, self.prior_sd, self.prior, self.prior_sd)

    @property
    def share(self) -> float:
        """Share of this study's evidence in the mean."""
        if self.evidence_sd is None:
            return 0.0
        total = self.prior_sd**2 + self.evidence_sd**2
        return self.prior_sd**2 / total if total else 0.0


@final
@dataclass(frozen=True)
class LeaderboardRow:
    """One method on the leaderboard of a question.

    Attributes
    ----------
    method
        Class name, with a number or options where a class runs more than once.
    role
        ``"baseline"`` or ``"transfer"``.
    choice
        Criterion of model selection, one value a seed × split: cross-validated scores, or those of
        a validator.
    scores
        Basis of the verdict, one value a seed (evaluation labels) or a seed × split.
    difference
        To the best baseline, in the score's units; None for that baseline, or without scores. A
        result has errors as users know them; before, they are scores times −1.
    verdict
        None for baselines.
    seconds
        Mean duration of a fit in this process; reading from the store costs nothing.
    losses
        Training losses of each seed, one value an epoch, from the fit on the whole target.
    parameters
        Parameters other than the method's defaults.
    findings
        Findings of the method on the first seed.
    expected
        Expected gain, by which the shipped model is chosen; None where the prior does not know the
        cell: the mean of ``choice`` decides there.
    blended
        Whether it is a blend of others.
    stopped
        Whether it stopped early, as its chance to be chosen was small.
    error
        Reason why it could not run; empty if it did.
    doubted
        Whether its predictions follow the target's inputs no better than a baseline's do, or
        clearly less well than another method's, so that validators are not believed; such a method
        is not chosen. None where labels or a prior choose.
    estimate
        Accuracy that is expected on the target, where it has no labels; None elsewhere.
    sides
        ``"known"`` and ``"unknown"`` classes → accuracy on these, in open sets; else empty.
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
    expected: Expected | None = None
    blended: bool = False
    stopped: bool = False
    error: str = ""
    doubted: bool | None = None
    estimate: Estimate | None = None
    sides: dict[str, float] = field(default_factory=dict)

    @property
    def simplicity(self) -> tuple[bool, bool, float, str]:
        """Sorting key of ties: baselines, single models, then the more promising, the name."""
        return self.role == "baseline", not self.blended, self.promise, self.method

    @property
    def leads(self) -> bool:
        """Whether it is a blend of transfer on a cell where the prior has seen such blends."""
        known = self.expected is not None and self.expected.prior_known
        return self.blended and self.role == "transfer" and known

    @property
    def promise(self) -> float:
        """Expected gain, or else the mean of the choice."""
        return self.expected.mean if self.expected is not None else float(np.mean(self.choice))

    @property
    def by_score(self) -> tuple[bool, float]:
        """Sorting key of the leaderboard: scores, or else the choice; failures last."""
        values = self.scores or self.choice
        return not self.error, float(np.mean(values)) if values else -np.inf

    def shown(self, score: Score, choice: Score | None = None) -> LeaderboardRow:
        """Return the row with errors as users know them, above 0.

        ``score`` is behind scores and their difference, ``choice`` behind model selection; None for
        a validator.
        """
        gap = self.difference
        return replace(
            self,
            scores=[score.shown(value) for value in self.scores],
            choice=[choice.shown(v) if choice is not None else v for v in self.choice],
            difference=gap.negated() if gap is not None and score.lower else gap,
        )

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """Read a row of a saved result."""
        found = [findings.from_json(finding) for finding in raw["findings"]]
        expected = None if raw["expected"] is None else Expected(**raw["expected"])
        own = {"difference": _interval(raw["difference"]), "findings": found}
        estimate = None if raw["estimate"] is None else Estimate.from_json(raw["estimate"])
        return cls(**{**raw, **own, "expected": expected, "estimate": estimate})


def best_baseline(rows: Sequence[LeaderboardRow]) -> LeaderboardRow | None:
    """Return the baseline with the best score among those that finished; None without scores."""
    rivals = [row for row in rows if row.role == "baseline" and row.scores and not row.stopped]
    return max(rivals, key=lambda row: np.mean(row.scores), default=None)


def best_choice(rows: Sequence[LeaderboardRow]) -> LeaderboardRow | None:
    """Return the best row by choice, without a look at scores; None without choices.

    It is the blend where the prior knows the cell: over public tasks, each family left out, this
    lost less than the largest expected gain. Where a panel chooses, it is the blend of the adapted
    models that it believes, or the only one; without any, the simplest source model of those that
    are alike on the source. Elsewhere it is the simplest of those whose expected gains are alike.
    """
    finished = [row for row in rows if (row.choice or row.expected) and not row.stopped]
    if not finished:
        return None
    if leading := [row for row in finished if row.leads]:
        return leading[0]
    if any(row.doubted is not None for row in finished):
        return _without_labels(finished)
    top = max(row.promise for row in finished)
    ties = TIE if any(row.expected for row in finished) else 0.0
    return max(
        (row for row in finished if row.promise >= top - ties), key=lambda row: row.simplicity
    )


def _without_labels(rows: Sequence[LeaderboardRow]) -> LeaderboardRow:
    """Return the best row by a panel of validators, or else by the source's labels."""
    adapted = [row for row in rows if row.role == "transfer" and not row.doubted]
    if adapted:
        return max(adapted, key=lambda row: (row.blended, row.promise, row.method))
    own = [row for row in rows if row.role == "baseline"] or rows
    top = max(row.promise for row in own)
    alike = {row.method: row for row in own if row.promise >= top - SOURCE_TIE}
    simplest = [alike[name] for name in SOURCE_MODELS if name in alike]
    return next(iter(simplest), max(alike.values(), key=lambda row: row.simplicity))


@final
@dataclass(frozen=True)
class Gain:
    """Gain of one task from learning it together with others.

    Attributes
    ----------
    difference
        To the best method on the task alone, in the score's units; None without scores.
    verdict
        After Holm's correction over tasks × methods.
    """

    difference: Interval | None
    verdict: Verdict


@final
@dataclass(frozen=True)
class JointRow:
    """One joint method over all tasks.

    Attributes
    ----------
    method
        Its name.
    delta
        Δm in percent, the mean relative loss against the same network alone: **below zero is
        better**; None where a score is missing or zero.
    gains
        Task → its gain.
    error
        Reason why the method could not run; empty if it did.
    """

    method: str
    delta: Interval | None
    gains: dict[str, Gain]
    error: str = ""

    @property
    def verdict(self) -> Verdict:
        """The common verdict of all tasks, or else that of Δm."""
        each = {gain.verdict for gain in self.gains.values()}
        if each in ({"helped"}, {"hurt"}):
            return each.pop()
        if self.delta is None or self.delta.low <= 0 <= self.delta.high:
            return "undecided"
        return "helped" if self.delta.high < 0 else "hurt"

    def tasks(self, verdict: Verdict) -> list[str]:
        """List the tasks with a verdict."""
        return [name for name, gain in self.gains.items() if gain.verdict == verdict]

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """Read a row of a saved result."""
        gains = {
            name: Gain(_interval(gain["difference"]), gain["verdict"])
            for name, gain in raw["gains"].items()
        }
        return cls(**{**raw, "delta": _interval(raw["delta"]), "gains": gains})


def _interval(raw: dict[str, float] | None) -> Interval | None:
    return None if raw is None else Interval(**raw)
