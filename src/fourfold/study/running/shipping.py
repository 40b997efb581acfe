"""Shipping: the chosen models, put into the folder ``best`` in one step."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import nn

from fourfold import bundle
from fourfold.bundle.files import as_folder
from fourfold.core.atomic import whole_folder
from fourfold.estimators.joint import JointEstimator
from fourfold.methods.blend import Blend
from fourfold.methods.saved import load
from fourfold.study.running.execution import execute
from fourfold.study.running.folder import write_error
from fourfold.study.running.outcomes import is_saved
from fourfold.study.running.runs import SHIPPED, list_runs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fourfold.study.choice.standing import Standing
    from fourfold.study.question import Question
    from fourfold.study.running.runs import Run, RunContext

__all__ = ["ship"]


def ship(
    questions: Mapping[str, Question],
    shipped: Mapping[str, str],
    standings: Mapping[str, Standing],
    context: RunContext,
) -> None:
    """Put the model of each question's chosen candidate into ``best``, all or nothing.

    A blend is made of the models of its members; what is calibrated stays so.

    Raises
    ------
    FileError
        If the folder cannot be written.
    """
    runs = {
        name: [_run(questions, name, member) for member in _members(standings[name], method)]
        for name, method in shipped.items()
    }
    for key, run in {context.key(run): run for of in runs.values() for run in of}.items():
        if not is_saved(context.model(run), key):  # damaged since it was fitted
            execute(run, context, key)
    best = context.folder / "best"
    try:
        with whole_folder(best) as part:
            for name, method in shipped.items():
                place = part if len(questions) == 1 else part / as_folder(name)
                _put(place, name, method, runs[name], standings[name], context)
    except OSError as error:
        raise write_error(best, "writable for the models", error) from error


def _members(standing: Standing, method: str) -> list[str]:
    """Return the candidates whose models a candidate is made of."""
    blended = standing.blends.get(method)
    return [method] if blended is None else blended.members


def _put(
    place: Path,
    question: str,
    method: str,
    runs: list[Run],
    standing: Standing,
    context: RunContext,
) -> None:
    blended, calibration = standing.blends.get(method), standing.calibrations.get(method)
    joint = isinstance(runs[0].estimator, JointEstimator)
    if blended is None and calibration is None and not joint:
        shutil.copytree(context.model(runs[0]), place, dirs_exist_ok=True)
        return
    models = [_load(run, context) for run in runs]
    model = models[0].of(question) if joint else models[0]
    if blended is not None:
        weights, scale = blended.mixture
        model = Blend(members=tuple(models), weights=weights, scale=scale).of(models)
    if calibration is not None:
        model.fitted_ = replace(model.fitted_, calibration=calibration)
    bundle.save(model, place)


def _load(run: Run, context: RunContext) -> Any:
    """Load the model of a run, with the user's own network where it has one."""
    own = run.estimator.get_params(deep=False).get("network")
    return load(context.model(run), network=own if isinstance(own, nn.Module) else None)


def _run(questions: Mapping[str, Question], question: str, method: str) -> Run:
    """Return the run whose model a question ships."""
    runs = list_runs(questions, [SHIPPED], {method})
    return next(run for run in runs if run.ships and question in run.held)
