"""From outcomes to a leaderboard: what is chosen, without evaluation labels, and what is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.core.tasks import Clustering
from fourfold.study import gate
from fourfold.study.clusters import against
from fourfold.study.result import Line
from fourfold.study.runs import Failure, Outcome
from fourfold.study.scores import ClassScore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.study.gate import Intervals
    from fourfold.study.result import Interval, Verdict
    from fourfold.study.scores import Score, Validator
    from fourfold.study.splits import Splits

__all__ = ["Judge", "by_choice"]


@final
@dataclass(frozen=True)
class Judge:
    """Rates outcomes.

    Attributes
    ----------
    score, choice
        What verdicts are made from, and what models are chosen by on hidden labels of the target;
        they differ where the rows to evaluate on are otherwise balanced than the target.
    validator
        Chooses where there are no folds; None where there are.
    splits
        What fits were kept from.
    held
        (seed, split) → that, for each.
    evaluate
        Rows to judge on, with their labels; or None.
    baselines
        Which methods are no transfer.
    """

    score: Score
    choice: Score
    validator: Validator | None
    splits: Splits
    held: Mapping[tuple[int, int], NDArray[np.intp]]
    evaluate: Domain | None
    baselines: Sequence[str]

    def board(self, outcomes: Mapping[str, Sequence[Outcome | Failure]]) -> list[Line]:
        """Make the leaderboard, best first: by score, else by what was chosen by."""
        lines = self.lines(outcomes)
        return self.ranked(lines, gate.holm(self.intervals(lines, outcomes)))

    def lines(self, outcomes: Mapping[str, Sequence[Outcome | Failure]]) -> list[Line]:
        """Rate each method by itself."""
        return [self._line(name, outcomes[name]) for name in outcomes]

    def intervals(
        self, lines: Sequence[Line], outcomes: Mapping[str, Sequence[Outcome | Failure]]
    ) -> dict[str, Intervals]:
        """Compare each method that is transfer to the best baseline."""
        best = self.best_baseline(lines)
        if best is None:
            return {}
        return {
            line.method: self._interval(outcomes[line.method], outcomes[best.method])
            for line in lines
            if line.role == "transfer" and line.scores
        }

    @staticmethod
    def ranked(lines: Sequence[Line], judged: Mapping[str, tuple[Interval, Verdict]]) -> list[Line]:
        """Write differences and verdicts into lines, and put the best first."""
        for line in lines:
            line.difference, line.verdict = judged.get(line.method, (None, line.verdict))
        return sorted(lines, key=_rank, reverse=True)

    @staticmethod
    def best_baseline(lines: Sequence[Line]) -> Line | None:
        """Return the baseline with the best score, the strongest rival; None without scores."""
        rivals = [line for line in lines if line.role == "baseline" and line.scores]
        return max(rivals, key=lambda line: np.mean(line.scores), default=None)

    @staticmethod
    def shipped(lines: Sequence[Line]) -> Line | None:
        """Return the line whose model is handed over: the best by choice, baselines included."""
        candidates = [line for line in lines if line.choice]
        return max(candidates, key=by_choice, default=None)

    def _line(self, method: str, outcomes: Sequence[Outcome | Failure]) -> Line:
        line = Line(method, "baseline" if method in self.baselines else "transfer")
        if line.role == "transfer":
            line.verdict = "undecided"
        failed = [outcome.error for outcome in outcomes if isinstance(outcome, Failure)]
        if failed:
            line.error = failed[0]
            return line
        done = _finished(outcomes)
        whole = [outcome for outcome in done if outcome.split is None]
        line.seconds = float(np.mean([outcome.seconds for outcome in done]))
        line.losses = [outcome.losses for outcome in whole if outcome.losses]
        line.findings = whole[0].findings if whole else []
        if self.evaluate is not None and whole and isinstance(whole[0].task, Clustering):
            line.findings = [*line.findings, *against(self.evaluate, whole)]
        crossed = self._crossed(done)
        line.choice = crossed or self._validated(whole)
        line.scores = (
            [self._evaluated(o, self.evaluate) for o in whole] if self.evaluate else crossed
        )
        return line

    def _crossed(self, outcomes: Sequence[Outcome]) -> list[float]:
        """Rate a method on what its fits were kept from."""
        parts = [outcome for outcome in outcomes if outcome.split is not None]
        return self.splits.rated(self.choice, parts, self.held)

    def truth(self, outcome: Outcome) -> NDArray[Any]:
        """Return the labels (n,) of the rows that a split asks about; (0,) if there are none."""
        return self.splits.truth(self.held[outcome.seed, outcome.split or 0])

    def _validated(self, outcomes: Sequence[Outcome]) -> list[float]:
        if self.validator is None:
            return []
        return [self.validator(outcome.task, outcome.outputs["target"]) for outcome in outcomes]

    def _evaluated(self, outcome: Outcome, evaluate: Domain) -> float:
        outputs = outcome.outputs["evaluate"][evaluate.labelled]
        return self.score(outcome.task, evaluate.known, outputs)

    def _interval(
        self, method: Sequence[Outcome | Failure], rival: Sequence[Outcome | Failure]
    ) -> Intervals:
        """Return the interval of the difference of two methods, paired over seeds and splits."""
        ours, theirs = _finished(method), _finished(rival)
        if self.evaluate is None:
            differences = np.array(self._crossed(ours)) - np.array(self._crossed(theirs))
            return gate.corrected_t(differences, self.splits.share)
        pairs = list(zip(ours, theirs, strict=True))
        whole = [(a, b) for a, b in pairs if a.split is None]
        by_row = [self._by_row(a, b, self.evaluate) for a, b in whole]
        rows = [row for row in by_row if row is not None]
        if rows:
            return gate.paired_bootstrap(np.stack(rows))
        return self._resampled(whole, self.evaluate)

    def _by_row(self, a: Outcome, b: Outcome, evaluate: Domain) -> NDArray[np.float64] | None:
        """Return each row's difference, (n,), if the score is a mean over rows."""
        known, on = evaluate.known, evaluate.labelled
        ours = self.score.rows(a.task, known, a.outputs["evaluate"][on])
        theirs = self.score.rows(b.task, known, b.outputs["evaluate"][on])
        return None if ours is None or theirs is None else ours - theirs

    def _resampled(self, pairs: Sequence[tuple[Outcome, Outcome]], evaluate: Domain) -> Intervals:
        known, on, score = evaluate.known, evaluate.labelled, self.score
        asked = [[(o.task, o.outputs["evaluate"][on]) for o in pair] for pair in pairs]

        def difference(seed: int, rows: NDArray[np.intp]) -> float:
            a, b = (score(task, known[rows], outputs[rows]) for task, outputs in asked[seed])
            return a - b

        def by_class(seed: int, rows: NDArray[np.intp]) -> float:
            a, b = (found.summed(group[rows], right[rows]) for group, right in parts[seed])
            return a - b

        if not isinstance(score, ClassScore):
            return gate.bootstrap(difference, len(pairs), len(known))
        found, parts = score, [[score.sorted(t, known, o) for t, o in pair] for pair in asked]
        return gate.bootstrap(by_class, len(pairs), len(known))


def by_choice(line: Line) -> tuple[float, bool, str]:
    """Rank by choice; of equals a baseline comes first, then the name decides, never a score."""
    return float(np.mean(line.choice)), line.role == "baseline", line.method


def _finished(outcomes: Sequence[Outcome | Failure]) -> list[Outcome]:
    """Return those that did not fail, in the order of seeds and splits."""
    done = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    return sorted(done, key=lambda o: (o.seed, -1 if o.split is None else o.split))


def _rank(line: Line) -> tuple[bool, float]:
    values = line.scores or line.choice
    return (not line.error, float(np.mean(values)) if values else -np.inf)
