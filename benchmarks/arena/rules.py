"""Rules of choice, replayed on the studies of all candidates, and the prior learnt from these."""

from __future__ import annotations

import datetime as dt
import json
import platform
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from benchmarks.arena import records
from benchmarks.arena.run import key
from benchmarks.arena.sides import open_study
from benchmarks.harness import ROOT
from fourfold.core.atomic import whole_file
from fourfold.core.version import VERSION
from fourfold.errors import FileError
from fourfold.study.choice.leads import lead_of, with_leads
from fourfold.study.choice.posterior import circumstances, reference
from fourfold.study.choice.prior import Circumstances, Observation, Prior
from fourfold.study.choice.unlabelled import measured_on_sources
from fourfold.study.judge import assess
from fourfold.study.leaderboard import best_choice
from fourfold.study.running.outcomes import Failure, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.arena.task import Task
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.question import Question

__all__ = ["RULES", "Replay", "compare", "learn", "write"]

WORST: Final = -1.0
"""Score below which a model is not thought worse; of R², which has no end."""


@final
@dataclass(frozen=True)
class Replay:
    """A finished study of all candidates: its question, and the outcomes of every fit."""

    task: Task
    question: Question
    outcomes: Mapping[str, list[Outcome | Failure]]

    @classmethod
    def of(cls, task: Task, record: Mapping[str, Any], folder: Path) -> Replay:
        """Read a study that the side ``all`` has left.

        Raises
        ------
        FileError
            If an outcome of it is not there.
        """
        with tempfile.TemporaryDirectory() as place:
            study = open_study(task, task.build(), output=Path(place, "study"), judged=True)
            (question,) = with_leads(measured_on_sources(study.questions, 1), 1).values()
        outcomes: dict[str, list[Outcome | Failure]] = defaultdict(list)
        for run in record["runs"]:
            path, held = folder / record["study"] / run["file"], np.array(run["held"], np.intp)
            found = Outcome.load(path, run["method"], run["seed"], run["split"], held)
            if found is None:
                raise FileError(f"every outcome of {task.name} must be there; {path} is not")
            outcomes[run["method"]].append(found)
        for name, candidate in record["candidates"].items():
            if candidate["error"]:
                outcomes[name].append(Failure(name, 0, None, candidate["error"]))
        return cls(task, question, dict(outcomes))

    def leads(self, names: Iterable[str]) -> dict[str, float]:
        """Return the leads of candidates, but for those that have none."""
        of = self.question
        found = {name: lead_of(of.leads, of.candidates.get(name)) for name in names}
        return {name: round(lead, 4) for name, lead in found.items() if lead}

    @property
    def place(self) -> str:
        """Pair and budget, of which there are several draws."""
        return f"{self.task.pair.name}/{self.task.budget}"

    def board(self, prior: Prior) -> dict[str, LeaderboardRow]:
        """Return the rows of all candidates, blends among them."""
        rows = assess(self.question, self.outcomes, prior.without(self.task.pair.family)).rows
        return {name: row for name, row in rows.items() if not row.error}

    def gains(self, board: Mapping[str, LeaderboardRow]) -> dict[str, float]:
        """Return the share of the reference's error that each candidate really removes."""
        best = self.question.protocol.score.best
        errors = {n: best - max(float(np.mean(row.scores)), WORST) for n, row in board.items()}
        beside = errors[reference(self.question)]
        removed = {n: (beside - e) / max(beside, 1e-9) for n, e in errors.items()}
        return {n: float(np.clip(share, -1, 1)) for n, share in removed.items()}


def write(tasks: Sequence[Task]) -> Path:
    """Learn the prior from finished studies of all candidates, and compare rules of choice by it.

    The prior goes into the package, the comparison into ``arena_rules.json``. Rules are compared
    where the target has labels: one seed says little of how stable clusters are.

    Raises
    ------
    FileError
        If no study of all candidates is there.
    """
    replays = [
        Replay.of(task, record, records.FOLDER)
        for task in tasks
        if (record := records.read("all", task.name, key("all", task), records.FOLDER)) is not None
    ]
    if not replays:
        raise FileError("studies of all candidates must be there to learn from: run --sides all")
    prior = learn(replays)
    place = Path(str(files("fourfold.study.choice"))) / "prior.json"
    prior.save(place)
    labelled = [replay for replay in replays if replay.question.target.n_labelled]
    outcome = {
        "benchmark": "arena_rules",
        **(prior.made or {}),
        "figures": compare(labelled, prior),
    }
    text = json.dumps(outcome, indent=1, ensure_ascii=False)
    with whole_file(ROOT / "benchmarks" / "results" / "arena_rules.json") as part:
        part.write_text(text + "\n", "utf-8")
    return place


def learn(replays: Sequence[Replay]) -> Prior:
    """Learn the prior: of single methods first, then of their blends, which it decides on.

    Every family's blends are made by what was learnt on the others.
    """
    singles = _observe(replays, [replay.board(Prior()) for replay in replays], blended=False)
    prior = Prior(singles)
    boards = [replay.board(prior) for replay in replays]
    made = {
        "command": "python -m benchmarks arena --sides all --learn",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "fourfold": VERSION,
        "python": platform.python_version(),
        "tasks": len(replays),
        "families": sorted({replay.task.pair.family for replay in replays}),
        "gain": "share of the error of Linear or a cell's first baseline, by evaluation labels",
    }
    return Prior(_observe(replays, boards, blended=True), made)


def _observe(
    replays: Sequence[Replay], boards: Sequence[Mapping[str, LeaderboardRow]], *, blended: bool
) -> tuple[Observation, ...]:
    """Return the gains of each pair × budget, mean over its draws; without the reference's, 0."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    leads: dict[str, list[dict[str, float]]] = defaultdict(list)
    first: dict[str, Replay] = {}
    for replay, board in zip(replays, boards, strict=True):
        own = replay.gains(board)
        kept = {n: g for n, g in own.items() if blended or not board[n].blended}
        kept.pop(reference(replay.question))
        found[replay.place].append(kept)
        leads[replay.place].append(replay.leads(kept))
        first.setdefault(replay.place, replay)
    return tuple(
        Observation(
            replay.task.pair.family,
            circumstances(replay.question),
            _means(found[place]),
            _means(leads[place]),
        )
        for place, replay in first.items()
    )


def _means(draws: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Average the values of each name over the draws that have it."""
    names = dict.fromkeys(name for draw in draws for name in draw)
    return {n: round(float(np.mean([d[n] for d in draws if n in d])), 4) for n in names}


# --- rules ----------------------------------------------------------------------------------------


def _posterior(board: Mapping[str, LeaderboardRow]) -> str:
    """Choose among all candidates by prior and evidence."""
    rows = [
        replace(row, expected=row.expected and replace(row.expected, prior_known=False))
        for row in board.values()
    ]
    best = best_choice(rows)
    assert best is not None
    return best.method


def _scores_alone(board: Mapping[str, LeaderboardRow]) -> str:
    """Choose by the mean of cross-validation, baselines first."""
    rows = [replace(row, expected=None) for row in board.values()]
    best = best_choice(rows)
    return _posterior(board) if best is None else best.method


def _blend(board: Mapping[str, LeaderboardRow]) -> str:
    """Ship the blend, where there is one."""
    return "Blend" if "Blend" in board else _posterior(board)


def _flat(prior: Prior) -> Prior:
    """Take a fixed order of methods: their gains without the circumstances."""
    return Prior(
        tuple(
            one._replace(circumstances=Circumstances(one.circumstances.cell, "", "", 8.0))
            for one in prior.observations
        )
    )


RULES: Final[dict[str, tuple[Callable[[Prior], Prior], Callable[..., str]]]] = {
    "posterior": (lambda prior: prior, _posterior),
    "fixed_order": (_flat, _posterior),
    "blend": (lambda prior: prior, _blend),
    "scores_alone": (lambda prior: prior, _scores_alone),
}
"""Rule → the prior that it takes, and its choice on a board."""


class Trial(NamedTuple):
    """One choice: regret in gains to the best candidate, and score − the best baseline's."""

    place: str
    group: str
    regret: float
    lead: float


def compare(replays: Sequence[Replay], prior: Prior) -> dict[str, float]:
    """Return the figures of each rule, over all tasks and by group.

    The prior leaves out the family of each task.
    """
    figures: dict[str, float] = {}
    for name, (change, choose) in RULES.items():
        trials = [_trial(replay, replay.board(change(prior)), choose) for replay in replays]
        figures |= _figures(name, trials)
        for group in dict.fromkeys(trial.group for trial in trials):
            figures |= _figures(f"{name}_{group}", [one for one in trials if one.group == group])
    return figures


def _trial(
    replay: Replay, board: Mapping[str, LeaderboardRow], choose: Callable[..., str]
) -> Trial:
    gains, chosen = replay.gains(board), choose(board)
    scores = {name: float(np.mean(row.scores)) for name, row in board.items()}
    beside = max(score for name, score in scores.items() if board[name].role == "baseline")
    regret = max(gains.values()) - gains[chosen]
    return Trial(replay.place, replay.task.pair.group, regret, scores[chosen] - beside)


def _figures(name: str, trials: Sequence[Trial]) -> dict[str, float]:
    """Average the draws of each place, then the places."""
    drawn: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        drawn[trial.place].append(trial)
    regrets = [np.mean([trial.regret for trial in of]) for of in drawn.values()]
    leads = [float(np.mean([trial.lead for trial in of])) for of in drawn.values()]
    return {
        f"regret_{name}": float(np.mean(regrets)),
        f"safe_{name}": float(np.mean([lead >= -0.005 for lead in leads])),
        f"worst_{name}": min(leads),
    }
