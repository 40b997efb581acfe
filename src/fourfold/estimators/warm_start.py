"""Warm start: the target's network from the source's, with its last layer where that fits.

Outputs of a regression are refitted to the target's labels: to their units, if these are others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, final

import numpy as np
import torch
from torch import nn

from fourfold.algorithms.units import Line, fit_line
from fourfold.core.findings import Facts
from fourfold.core.tasks import Regression
from fourfold.errors import DataError
from fourfold.estimators.problem import SourceNetwork
from fourfold.estimators.supervised import teacher_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from fourfold.core.tasks import Task
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.model import Model
    from fourfold.estimators.problem import Problem
    from fourfold.training.recipe import Recipe

__all__ = ["Head", "Start", "can_keep_head", "keep_head", "onward", "warm_start"]

HEARD: Final = 0.5
"""Share of the target's characters from which on a source that gets them right knows its words."""
GENTLE: Final = 0.1
"""Learning rate of such a source's further training, as a share of the recipe's."""

Head: TypeAlias = Literal["auto", "new", "source"]
"""Whether the last layer starts fresh, from the source's, or from the source's where it can."""


@final
class Start(NamedTuple):
    """A model to start from, whether its last layer is the source's, and findings on that."""

    model: Model
    kept: bool
    findings: Sequence[Facts] = ()


def warm_start(problem: Problem, head: Head = "auto") -> Start:
    """Put the target's last layer on the source model's body, which is not copied.

    Raises
    ------
    DataError
        If the source's last layer is asked for, and has not all outputs of the target.
    """
    if head == "source" and not can_keep_head(problem):
        raise DataError(
            "to start from the source's last layer, that must be linear, and have every class of "
            "the target, or as many numbers or answers; got another source or target"
        )
    source = problem.source_model
    model = problem.model(source.body)
    if head == "new" or not can_keep_head(problem):
        return Start(model, kept=False)
    findings = keep_head(model.head, source, problem, problem.target.known())
    return Start(model, kept=True, findings=findings)


def onward(problem: Problem, start: Start) -> Recipe:
    """Return the recipe of a training that goes on; a tenth of the rate for a mere new voice.

    That is where transcripts by the source model have less than half of the target's characters
    wrong. A new language, and every other task, keeps the recipe.
    """
    task, recipe = problem.task, problem.recipe
    if not (task.ragged and start.kept):
        return recipe
    known = problem.target.known()
    outputs = teacher_outputs(start.model, known.rows).numpy()
    heard = task.score(task.decode_labels(known.y), outputs) > HEARD
    return recipe.but(learning_rate=GENTLE * recipe.learning_rate) if heard else recipe


def keep_head(new: nn.Module, source: Model, problem: Problem, data: Data) -> list[Facts]:
    """Start a last layer from the source model's, which must fit; refit numbers to labelled rows.

    Other units than the source's are a finding.
    """
    task, old_task = problem.task, problem.source_task
    kept = _converted(source.head, old_task, task) or {}
    fresh = new.state_dict()
    new.load_state_dict({k: torch.where(w.isnan(), fresh[k], w) for k, w in kept.items()})
    if not isinstance(task, Regression) or not isinstance(old_task, Regression):
        return []
    outputs = teacher_outputs(nn.Sequential(source.body, new), data.rows).double().numpy()
    spreads = old_task.scale_ / task.scale_
    columns = zip(outputs.T, data.y.double().numpy().T, spreads, strict=True)
    lines = [fit_line(x[~np.isnan(y)], y[~np.isnan(y)], spread) for x, y, spread in columns]
    slopes, shifts = (torch.tensor(values) for values in zip(*lines, strict=True))
    with torch.no_grad():
        weight, bias = new.get_parameter("weight"), new.get_parameter("bias")
        weight.mul_(slopes[:, None].to(weight))
        bias.mul_(slopes.to(bias)).add_(shifts.to(bias))
    return _noted(lines, task)


def _noted(lines: Sequence[Line], task: Regression) -> list[Facts]:
    """Write the lines from the source's numbers to the target's, in the units of the labels."""
    if all(line == Line() for line in lines):
        return []
    values = {}
    for i, (line, mean, scale) in enumerate(zip(lines, task.mean_, task.scale_, strict=True), 1):
        shift = (1 - line.slope) * mean + scale * line.shift
        name = "target" if len(lines) == 1 else f"target, output {i}"
        values[name] = f"{line.slope:.4g} × the source's prediction {shift:+.4g}"
    return [Facts("Numbers of the source, refitted to the target's labels", values)]


def can_keep_head(problem: Problem) -> bool:
    """Return whether the target's outputs are among the source's, before anything is trained."""
    if isinstance(problem.source, SourceNetwork):
        old: nn.Module = problem.source.model.head
    elif problem.source_task is not None:
        old = nn.Linear(1, problem.source_task.n_outputs)
    else:
        return False
    return _converted(old, problem.source_task, problem.task) is not None


def _converted(head: nn.Module, source: Task | None, target: Task) -> dict[str, Tensor] | None:
    """Write a linear head for the outputs of another task; None where that has other outputs.

    Weights of outputs that the source lacks are NaN.
    """
    rows = None if source is None else target.outputs_in(source)
    if not isinstance(head, nn.Linear) or rows is None:
        return None
    at, known = torch.from_numpy(rows).clamp(min=0), torch.from_numpy(rows >= 0)
    weights = {
        name: torch.where(known.reshape(-1, *[1] * (w.ndim - 1)), w[at], torch.nan)
        for name, w in head.state_dict().items()
    }
    if not isinstance(source, Regression) or not isinstance(target, Regression):
        return weights
    ratio = source.scale_ / target.scale_
    shift = (source.mean_ - target.mean_) / target.scale_
    weight, bias = weights["weight"], weights["bias"]
    return {
        "weight": weight * torch.as_tensor(ratio[:, None]).to(weight),
        "bias": bias * torch.as_tensor(ratio).to(bias) + torch.as_tensor(shift).to(bias),
    }
