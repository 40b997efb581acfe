"""A network by its layers, and plans of these: copied or fresh, frozen or trained."""

from __future__ import annotations

import math
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, final

import torch
from torch import nn

from fourfold.core.folds import count_folds, make_splits
from fourfold.core.process import seeded
from fourfold.errors import ParameterError
from fourfold.estimators.supervised import supervise
from fourfold.estimators.warm_start import can_keep_head, keep_head
from fourfold.frozen.store import frozen_rows
from fourfold.frozen.taps import closest
from fourfold.networks.builder import stages
from fourfold.networks.cut import split
from fourfold.training.phases import History, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.estimators.inputs import Data
    from fourfold.estimators.model import Model
    from fourfold.estimators.problem import Problem
    from fourfold.training.recipe import Recipe

__all__ = ["LayerPlan", "Layered", "plans_to_try", "safe_plan"]

HEAD: Final = "head"
"""The name of the last layer."""
FOLDS: Final = 3
"""Largest number of folds of the labels."""
SHORTER: Final = 4
"""Steps of a training, over those of a trial."""
FEWER, FEWEST = 4, 4
"""Plans, over those that are tried on a second split; how many are, at least."""


class LayerPlan(NamedTuple):
    """Copied and trained layers, from the input to the output; other layers start fresh."""

    copied: tuple[str, ...]
    trained: tuple[str, ...]

    def of(self, name: str) -> str:
        """Describe one layer in words."""
        origin = "copied" if name in self.copied else "fresh"
        return f"{origin}, {'trained' if name in self.trained else 'frozen'}"


def make_plan(
    names: Sequence[str],
    copyable: Sequence[str],
    copy: int | tuple[str, ...],
    train: str | tuple[str, ...],
) -> LayerPlan:
    """Return the plan that the parameters of ``LayerTransfer`` describe, but for ``"auto"``.

    Raises
    ------
    ParameterError
        If a name matches no layer, or numbers or names do not fit the network.
    """
    copied = _copied(names, copyable, copy)
    if isinstance(train, tuple):
        _check_names("train", train, names)
        lacking = [name for name in names if name not in {*copied, *train}]
        if lacking:
            raise ParameterError(
                f"train must name every layer that is not copied; {', '.join(lacking)} is neither"
            )
        chosen = set(train)
    else:
        chosen = set(names) if train == "all" else set(names) - set(copied)
    return LayerPlan(copied, tuple(name for name in names if name in chosen))


def plans_to_try(
    names: Sequence[str],
    copyable: Sequence[str],
    copy: Literal["auto"] | int | Sequence[str],
    train: Literal["auto", "all", "rest"] | Sequence[str],
) -> dict[str, list[LayerPlan]]:
    """Return the plans to try: a curve's name → a plan for each number of copied layers.

    Where ``copy`` is given there is one plan, and its curve has no name.
    """
    chosen = train if isinstance(train, str) else tuple(train)
    if copy != "auto":
        copied = copy if isinstance(copy, int) else tuple(copy)
        return {"": [make_plan(names, copyable, copied, "all" if chosen == "auto" else chosen)]}
    if isinstance(chosen, tuple):
        raise ParameterError(
            "train must be 'auto', 'all' or 'rest' where copy is 'auto'; got names"
        )
    ways = {"rest": "frozen", "all": "tuned"}
    numbers = range(len(copyable) + 1)
    return {
        f"{end} {done}": [make_plan(names, copyable, sign * n, way) for n in numbers]
        for end, sign in (("last", -1), ("first", 1))
        for way, done in ways.items()
        if chosen in {"auto", way}
    }


def safe_plan(names: Sequence[str], copyable: Sequence[str], train: object) -> LayerPlan:
    """Return the plan where nothing can be tried: fine-tune all, or train the last layer."""
    if train == "rest":
        return make_plan(names, copyable, len(names) - 1, "rest")
    return make_plan(names, copyable, len(copyable), "all")


def _copied(
    names: Sequence[str], copyable: Sequence[str], copy: int | tuple[str, ...]
) -> tuple[str, ...]:
    if isinstance(copy, tuple):
        _check_names("copy", copy, names)
        if HEAD in copy and HEAD not in copyable:
            raise ParameterError(
                "copy must leave out 'head' where the source lacks outputs of the target; got it"
            )
        return tuple(name for name in copyable if name in copy)
    if abs(copy) > len(copyable):
        most = len(copyable)
        raise ParameterError(
            f"copy must lie in [-{most}, {most}] for layers {', '.join(copyable)}; got {copy}"
        )
    return tuple(copyable[:copy] if copy >= 0 else copyable[copy:])


def _check_names(field: str, asked: Sequence[str], names: Sequence[str]) -> None:
    for name in asked:
        if name not in names:
            raise ParameterError(
                f"{field} must name layers of the network; got {name!r}{closest(name, names)}"
            )


@final
class Trials(NamedTuple):
    """Mean scores of plans on held-out labels, and the best plan of those tried on all splits."""

    scores: dict[LayerPlan, float]
    best: LayerPlan


@final
class Layered:
    """Builds and trains the target's network by a plan, from the source's, any number of times."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    @cached_property
    def names(self) -> list[str]:
        """Names of the layers, from the input to the output."""
        with seeded(self.problem.seed):
            return [*stages(self.problem.body()), HEAD]

    @cached_property
    def copyable(self) -> list[str]:
        """Layers that can be copied: all, or all but the last where the outputs differ."""
        return self.names if can_keep_head(self.problem) else self.names[:-1]

    def train(self, plan: LayerPlan, data: Data, recipe: Recipe) -> tuple[Model, History]:
        """Build and train a network by a plan; frozen layers at the input are computed once."""
        with seeded(self.problem.seed):
            model = self._built(plan, data)
            layers = _layers(model)
            trained = [layers[name] for name in plan.trained]
            if not trained:
                return model.eval(), History()
            model.requires_grad_(requires_grad=False)
            for layer in trained:
                layer.requires_grad_(requires_grad=True)
            lower, upper = _cut(model, [name for name in self.names if name not in plan.trained])
            network, above = nn.Sequential(upper, model.head), data
            if lower is not None:
                above = data.through(lambda rows: frozen_rows(lower, rows))
            parts = [Part(layer) for layer in trained]
            history = supervise(network, self.problem.task, above, recipe, parts)
            return model.requires_grad_(requires_grad=True).cpu().eval(), history

    def cross_validate(
        self, plans: Sequence[LayerPlan], data: Data, n_splits: int
    ) -> Trials | None:
        """Rate plans on held-out labels; None where these are too few to be split.

        The better quarter of the first split is tried on the next ones.
        """
        y, stratified = data.y.numpy(), self.problem.task.stratified
        groups, time = data.groups, data.time
        n = count_folds(y, FOLDS, stratified=stratified, groups=groups, time=time)
        if not n:
            return None
        splits = make_splits(
            y, n, self.problem.seed, stratified=stratified, groups=groups, time=time
        )
        recipe = _for_trials(self.problem.recipe)
        found: dict[LayerPlan, list[float]] = {plan: [] for plan in plans}
        going = list(plans)
        for training, held in splits[:n_splits]:
            for plan in going:
                found[plan].append(self.score(plan, data.at(training), data.at(held), recipe))
            going.sort(key=lambda plan: (fmean(found[plan]), len(plan.copied)), reverse=True)
            del going[max(FEWEST, len(plans) // FEWER) :]
        return Trials({plan: fmean(each) for plan, each in found.items()}, going[0])

    def score(self, plan: LayerPlan, training: Data, asked: Data, recipe: Recipe) -> float:
        """Train on some rows, and rate on others: accuracy, 1 − error rate, or minus the loss."""
        model, _ = self.train(plan, training, recipe)
        answers, weight, task = model.outputs(asked.rows), asked.table().weight, self.problem.task
        if task.ragged:
            rows = None if weight is None else weight.numpy()
            return task.score(task.decode_labels(asked.y), answers, rows)
        outputs = torch.from_numpy(answers)
        if task.has_classes:
            right = (outputs.argmax(1) == asked.y).float()
            return float((right if weight is None else right * weight).mean())
        return -float(task.loss(outputs, asked.y, weight))

    def _built(self, plan: LayerPlan, data: Data) -> Model:
        model = self.problem.model(self.problem.body())
        source = self.problem.source_model
        if not all(p.requires_grad for p in source.body.parameters()):
            raise ParameterError(
                "layers to copy or train must be whole; got a network with adapters: leave adapter "
                "out, or use FineTune"
            )
        fresh, old = _layers(model), _layers(source)
        for name in plan.copied:
            if name == HEAD:
                keep_head(model.head, source, self.problem, data)
            else:
                fresh[name].load_state_dict(old[name].state_dict())
        return model


def _for_trials(recipe: Recipe) -> Recipe:
    """Return a shorter recipe, without held-out rows."""
    return recipe.but(
        epochs=math.ceil(recipe.epochs / SHORTER),
        min_steps=math.ceil(recipe.min_steps / SHORTER),
        steps=None if recipe.steps is None else max(1, recipe.steps // SHORTER),
        validation=0.0,
        patience=None,
    )


def _layers(model: Model) -> dict[str, nn.Module]:
    return {**stages(model.body), HEAD: model.head}


def _cut(model: Model, frozen: list[str]) -> tuple[nn.Module | None, nn.Module]:
    """Split a body behind its first, frozen layers, as far as it can be cut."""
    found = stages(model.body)
    leading = []
    for name, layer in found.items():
        if name not in frozen:
            break
        if not isinstance(layer, nn.ParameterList):  # weights beside the layers have no place
            leading.append(name)
    for name in reversed(leading):
        try:
            return split(model.body, name)
        except ParameterError:  # a path leads around it
            continue
    return None, model.body
