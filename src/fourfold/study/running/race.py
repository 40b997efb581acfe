"""The race of a study: all candidates for one seed, then those that may still be chosen."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, final

from fourfold.study.choice.posterior import expect
from fourfold.study.choice.racing import finalists, is_settled
from fourfold.study.judge import assess, rate
from fourfold.study.leaderboard import best_choice
from fourfold.study.running.execution import execute_all
from fourfold.study.running.outcomes import Failure
from fourfold.study.running.runs import list_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fourfold.study.choice.prior import Prior
    from fourfold.study.question import Question
    from fourfold.study.running.execution import FitProgress
    from fourfold.study.running.outcomes import Outcome
    from fourfold.study.running.runs import RunContext

__all__ = ["Race"]

APART: Final = 5.0
"""Seconds between pauses inside a round."""


@final
class Race:
    """All fits of a study, a round of one seed at a time.

    Candidates stop only after a whole round, by the scores of model selection, so that the same
    ones do for any number of processes and after a kill.

    Parameters
    ----------
    questions
        Name → question.
    context
        Data and settings of the runs.
    seeds
        Number of rounds, at most.
    prior
        Expected gains of the methods.
    racing
        Whether candidates may stop early. Where several tasks are learnt together, none does.

    Attributes
    ----------
    rounds
        Number of rounds that began.
    stopped
        Candidates that stopped early.
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
        self.rounds, self.stopped = 0, set[str]()
        self._found: dict[tuple[str, str, int], list[Outcome | Failure]] = defaultdict(list)
        self._wanted: Counter[tuple[str, str, int]] = Counter()

    def run(
        self, bar: FitProgress, *, resume: bool, jobs: int | None, deadline: float | None = None
    ) -> Iterator[None]:
        """Run round after round; pause after candidates of the first one, and after each round.

        Pauses inside a round are some seconds apart. Nothing more is begun after the deadline, in
        seconds of ``time.monotonic``, but for the first candidate, or the first round where there
        are several questions. Seeds that would neither choose nor judge are not run.
        """
        going = {name for question in self.questions.values() for name in question.candidates}
        due = 0.0
        for seed in range(self.seeds):
            self.rounds = seed + 1
            runs = list(list_runs(self.questions, [seed], going))
            self._wanted.update((name, run.method, seed) for run in runs for name in run.held)
            for run_of in execute_all(runs, self.context, bar, resume=resume, jobs=jobs):
                for name, outcome in run_of.items():
                    key = (name, outcome.method, seed)
                    self._found[key].append(outcome)
                    whole = len(self._found[key]) == self._wanted[key]
                    if whole and not seed and time.monotonic() >= due:
                        yield
                        due = time.monotonic() + APART
                if deadline is not None and time.monotonic() > deadline and self.leader:
                    return
            yield
            if deadline is not None and time.monotonic() > deadline:
                return
            told = not seed or any(run.split is not None for run in runs)
            if self.racing and told and seed + 1 < self.seeds:
                (question,), (outcomes,) = self.questions.values(), self.outcomes.values()
                standing, rows = assess(question, outcomes, self.prior)
                if is_settled(question, rows):
                    return
                left = finalists(question, rows, going, standing)
                self.stopped |= {name for name in going - left if not rows[name].error}
                going = left

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
    def outcomes(self) -> dict[str, dict[str, list[Outcome | Failure]]]:
        """Question → method → outcomes of the seeds whose fits are all done, or failed."""
        done: dict[str, dict[str, list[Outcome | Failure]]] = {n: {} for n in self.questions}
        for key, found in self._found.items():
            name, method, _ = key
            failed = any(isinstance(one, Failure) for one in found)
            if failed or len(found) == self._wanted[key]:
                done[name].setdefault(method, []).extend(found)
        return done
