"""The race of a study: all candidates for one seed, then those that may still be chosen."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final, final

from fourfold.study.choice.leads import with_leads
from fourfold.study.choice.posterior import expect
from fourfold.study.choice.racing import finalists, is_settled
from fourfold.study.judge import assess, is_clear, rate
from fourfold.study.leaderboard import best_choice
from fourfold.study.running.execution import execute_all
from fourfold.study.running.outcomes import Failure
from fourfold.study.running.runs import in_turn, list_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fourfold.study.choice.prior import Prior
    from fourfold.study.judge import Assessed
    from fourfold.study.question import Question
    from fourfold.study.running.outcomes import Outcome
    from fourfold.study.running.progress import FitProgress
    from fourfold.study.running.runs import RunContext

__all__ = ["Race"]

APART: Final = 5.0
"""Seconds between pauses."""
AT_ONCE: Final = 2
"""Seeds of a later round: a decision takes as long as many fits of lines and trees."""
FEWEST_SEEDS: Final = 3
"""Seeds after which a clear verdict ends a race."""


@final
class Race:
    """All fits of a study, in rounds of one seed, and later of two.

    Candidates stop only after a whole round, by the scores of model selection, so that the same
    ones do for any number of processes and after a kill.

    Parameters
    ----------
    questions
        Name → question.
    context
        Data and settings of the runs.
    seeds
        Number of seeds, at most.
    prior
        Expected gains of the methods.
    racing
        Whether candidates may stop early, and all where later seeds only judge and the verdict is
        clear. Where several tasks are learnt together, none does.

    Attributes
    ----------
    begun
        Number of seeds that began.
    stopped
        Candidates that stopped early.
    clear
        Whether the race ended before the last seed by a clear verdict.
    """

    def __init__(
        self,
        questions: Mapping[str, Question],
        context: RunContext,
        *,
        seeds: int,
        prior: Prior,
        racing: bool,
    ) -> None:
        self.questions, self.context, self.seeds = questions, context, seeds
        self.prior, self.racing = prior, racing and len(questions) == 1
        self.begun, self.stopped, self.clear = 0, set[str](), False
        self._measured = False
        self._known: tuple[int, dict[str, Assessed]] | None = None
        self._found: dict[tuple[str, str, int], list[Outcome | Failure]] = defaultdict(list)
        self._wanted: Counter[tuple[str, str, int]] = Counter()

    def run(
        self, bar: FitProgress, *, resume: bool, jobs: int | None, deadline: float | None = None
    ) -> Iterator[None]:
        """Run round after round; pause after candidates of the first one, and after rounds.

        Pauses are some seconds apart. Nothing more is begun after the deadline, in seconds of
        ``time.monotonic``, but for the first candidate, or the first round where there are several
        questions. Seeds that would neither choose nor judge are not run.
        """
        going = {name for question in self.questions.values() for name in question.candidates}
        due = 0.0
        for seeds in self._rounds():
            self.begun = seeds.stop
            runs = in_turn(list_runs(self.questions, seeds, going))
            self._wanted.update((name, run.method, run.seed) for run in runs for name in run.held)
            for run_of in execute_all(runs, self.context, bar, resume=resume, jobs=jobs):
                for name, outcome in run_of.items():
                    key = (name, outcome.method, outcome.seed)
                    self._found[key].append(outcome)
                    whole = len(self._found[key]) == self._wanted[key]
                    if whole and not outcome.seed and time.monotonic() >= due:
                        yield
                        self._measure()
                        due = time.monotonic() + APART
                if deadline is not None and time.monotonic() > deadline and self.leader:
                    return
            if time.monotonic() >= due:
                yield
                due = time.monotonic() + APART
            self._measure()
            if deadline is not None and time.monotonic() > deadline:
                return
            if self.racing and seeds.stop < self.seeds:
                told = not seeds.start or any(run.split is not None for run in runs)
                going = self._left(going, told=told)
            if not going:
                return

    def _rounds(self) -> list[range]:
        """Return the seeds of each round: the first one, and then two at a time."""
        starts = [0, *range(1, self.seeds, AT_ONCE), self.seeds]
        return [range(*ends) for ends in pairwise(starts)]

    def _measure(self) -> None:
        """Measure leads of kinds of models, once: after the first answer, which does not wait."""
        if not self._measured:
            self.questions = with_leads(self.questions, self.context.runtime.threads or 1)
            self._measured, self._known = True, None

    def notes(self, jobs: int) -> list[str]:
        """Return the caveats of a race that took up to so many fits at a time."""
        notes = []
        if self.clear:
            notes.append(f"Training ended after {self.begun} seeds: the verdict was clear.")
        if jobs > 1:
            notes.append(f"Times were taken with up to {jobs} fits at a time.")
        return notes

    def _left(self, going: set[str], *, told: bool) -> set[str]:
        """Return the candidates that run on after a round; none if choice or verdict are clear.

        A round that told had folds; others only judge.
        """
        (question,) = self.questions.values()
        if not told and (self.begun < FEWEST_SEEDS or question.evaluate is None):
            return going
        (assessed,) = self.assessed.values()
        if not told:
            self.clear = is_clear(question, assessed, self.stopped)
            return set() if self.clear else going
        if is_settled(question, assessed.rows):
            return set()
        left = finalists(question, assessed.rows, going, assessed.standing)
        self.stopped |= {name for name in going - left if not assessed.rows[name].error}
        return left

    @property
    def leader(self) -> str | None:
        """The candidate that would be chosen now; None for several questions, or before any."""
        if len(self.questions) > 1:
            return None
        (question,), (outcomes,) = self.questions.values(), self.outcomes.values()
        rows = {n: row for n, row in rate(question, outcomes).items() if n not in self.stopped}
        best = best_choice([*expect(question, rows, self.prior).values()])
        return None if best is None else best.method

    @property
    def assessed(self) -> dict[str, Assessed]:
        """Candidates of each question as they stand now."""
        n = sum(len(of) for of in self._found.values())
        if self._known is None or self._known[0] != n:
            outcomes = self.outcomes
            found = {q: assess(of, outcomes[q], self.prior) for q, of in self.questions.items()}
            self._known = n, found
        return self._known[1]

    @property
    def outcomes(self) -> dict[str, dict[str, list[Outcome | Failure]]]:
        """Question → method → outcomes of the seeds whose fits are all done, or failed."""
        done: dict[str, dict[str, list[Outcome | Failure]]] = {n: {} for n in self.questions}
        for key, found in self._found.items():
            name, method, _ = key
            failed = any(isinstance(one, Failure) for one in found)
            if failed or len(found) == self._wanted[key]:
                done[name].setdefault(method, []).extend(found)
        return done
