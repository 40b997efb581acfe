"""Shipping: the chosen models, copied into the folder ``best`` in one step."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from fourfold import bundle
from fourfold.bundle.files import as_folder
from fourfold.core.atomic import whole_folder
from fourfold.estimators.joint import JointEstimator
from fourfold.methods.saved import load
from fourfold.study.running.execution import execute
from fourfold.study.running.folder import write_error
from fourfold.study.running.outcomes import is_saved
from fourfold.study.running.runs import SHIPPED, list_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.study.question import Question
    from fourfold.study.running.runs import Run, RunContext

__all__ = ["ship"]


def ship(
    questions: Mapping[str, Question], shipped: Mapping[str, str], context: RunContext
) -> None:
    """Put the model of each question's chosen method into ``best``, all or nothing.

    Raises
    ------
    FileError
        If the folder cannot be written.
    """
    chosen = {name: _run(questions, name, method) for name, method in shipped.items()}
    joint = {}
    for key, run in {context.key(run): run for run in chosen.values()}.items():
        if not is_saved(context.model(run), key):  # damaged since it was fitted
            execute(run, context, key)
        if isinstance(run.estimator, JointEstimator):
            joint[run.method] = load(context.model(run))
    best = context.folder / "best"
    try:
        with whole_folder(best) as part:
            for name, run in chosen.items():
                place = part if len(questions) == 1 else part / as_folder(name)
                if run.method in joint:
                    bundle.save(joint[run.method].of(name), place)
                else:
                    shutil.copytree(context.model(run), place, dirs_exist_ok=True)
    except OSError as error:
        raise write_error(best, "writable for the models", error) from error


def _run(questions: Mapping[str, Question], question: str, method: str) -> Run:
    """Return the run whose model a question ships."""
    runs = list_runs(questions, [SHIPPED], {method})
    return next(run for run in runs if run.ships and question in run.held)
