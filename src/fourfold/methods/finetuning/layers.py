"""Layer transfer: some layers are copied from the source network, the others start fresh."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Final, Literal, final

from rich.console import Console

from fourfold.core.findings import Curves, Facts
from fourfold.core.folds import count_folds, make_folds
from fourfold.core.parameters import PositiveInt
from fourfold.core.tasks import Classification
from fourfold.errors import ParameterError
from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import NetworkEstimator
from fourfold.frozen.taps import closest
from fourfold.methods.finetuning._layers import HEAD, Layered, Plan
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fourfold.estimators.problem import Data, Job, Model

__all__ = ["LayerTransfer"]

FOLDS: Final = 3
"""Labels are split into so many parts, at most, to try a plan."""


@final
class LayerTransfer(NetworkEstimator):
    """Copy some layers from the source network, and say which of them are trained.

    Pictures share their first layers, from edges to shapes, so these are copied and the last ones
    trained; speech shares its last, from pronunciation to words, while its first ones, from sound
    to pronunciation, belong to the speaker. ``copy="auto"`` tries both ends. What is frozen at the
    input's end is computed once.

    Parameters
    ----------
    copy
        How many layers from the input's end are copied; −n: how many from the output's end; or
        their names, as ``describe()`` prints them; ``"auto"`` tries every number from both ends on
        held-out labels. The last layer, ``"head"``, can be copied where the source has all outputs
        of the target.
    train
        ``"rest"``: layers that are copied stay frozen; ``"all"`` are trained; or the names of those
        that are, among them all that are fresh; ``"auto"`` tries both where ``copy`` is tried, and
        is ``"all"`` where it is given.
    splits
        On how many folds of the labels each possibility is tried, of at most 3, for half the time.
        Where some class has a single label nothing can be tried: all is copied and trained, or with
        ``train="rest"`` all but the last layer copied, for a fixed time.

    Attributes
    ----------
    layers_
        Layer's name → whether it is ``"copied"`` or ``"fresh"``, and ``"frozen"`` or ``"trained"``.
    curve_
        Score on held-out labels against the number of copied layers, from either end, frozen and
        fine-tuned; None where nothing was tried.
    history_
        Losses and seconds of the training on the target.

    Raises
    ------
    ParameterError
        If a name matches no layer, or the numbers or names do not fit the network.

    References
    ----------
    Yosinski, Clune, Bengio & Lipson, How Transferable Are Features in Deep Neural Networks?,
    NeurIPS 2014. Lee et al., Surgical Fine-Tuning Improves Adaptation to Distribution Shifts, ICLR
    2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = LayerTransfer(copy=1, train="rest").fit(X[::10] + 0.1, y[::10], source=Domain(X, y))
    >>> few.describe()
    fc1   copied, frozen
    fc2   fresh, trained
    head  fresh, trained
    """

    copy: Literal["auto"] | int | tuple[str, ...] = "auto"
    train: Literal["auto", "all", "rest"] | tuple[str, ...] = "auto"
    splits: PositiveInt = 2

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        network, known = Layered(job), job.target.known()
        lines = self._plans(network)
        plans = list(dict.fromkeys(plan for line in lines.values() for plan in line))
        folds = _folds(job, known)[: self.splits] if len(plans) > 1 else []
        if folds:
            recipe = _halved(job.recipe)
            scores = {plan: _score(network, plan, known, folds, recipe) for plan in plans}
            best = max(plans, key=lambda plan: (scores[plan], len(plan.copied)))
            self.findings_.append(_curves(lines, scores, job))
        else:
            best = plans[0] if len(plans) == 1 else _safe(network, self.train)
        self.findings_.append(_facts(network, best, tried=len(plans), folds=len(folds)))
        model, self.history_ = network.train(best, known, job.recipe)
        return model

    def _plans(self, network: Layered) -> dict[str, list[Plan]]:
        """List what is to be tried: a curve's name → a plan for each number of copied layers."""
        copy = tuple(self.copy) if isinstance(self.copy, list) else self.copy
        train = tuple(self.train) if isinstance(self.train, list) else self.train
        if copy != "auto":
            return {"": [_plan(network, copy, "all" if train == "auto" else train)]}
        if isinstance(train, tuple):
            raise ParameterError(
                "train must be 'auto', 'all' or 'rest' where copy is 'auto'; got names"
            )
        ways = {"rest": "frozen", "all": "tuned"}
        tried = [way for way in ways if train in {"auto", way}]
        numbers = range(len(network.copyable) + 1)
        return {
            f"{end} {ways[way]}": [_plan(network, sign * n, way) for n in numbers]
            for end, sign in (("last", -1), ("first", 1))
            for way in tried
        }

    @property
    def layers_(self) -> dict[str, str]:
        """Layer's name → what became of it."""
        self.check_fitted()
        return next(found.values for found in self.findings_ if isinstance(found, Facts))

    @property
    def curve_(self) -> Curves | None:
        """Score on held-out labels against the number of copied layers."""
        self.check_fitted()
        return next((found for found in self.findings_ if isinstance(found, Curves)), None)

    def describe(self) -> None:
        """Print what is copied, frozen and trained, from the input to the output."""
        longest = max(map(len, self.layers_))
        for name, what in self.layers_.items():
            Console().print(f"{name:<{longest}}  {what}", highlight=False)


def _plan(network: Layered, copy: int | tuple[str, ...], train: str | tuple[str, ...]) -> Plan:
    """Write names for what was asked for."""
    names = network.names
    copied = _copied(network, copy)
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
    return Plan(copied, tuple(name for name in names if name in chosen))


def _copied(network: Layered, copy: int | tuple[str, ...]) -> tuple[str, ...]:
    able = network.copyable
    if isinstance(copy, tuple):
        _check_names("copy", copy, network.names)
        if HEAD in copy and HEAD not in able:
            raise ParameterError(
                "copy must leave out 'head' where the source lacks outputs of the target; got it"
            )
        return tuple(name for name in able if name in copy)
    if abs(copy) > len(able):
        raise ParameterError(
            f"copy must lie in [-{len(able)}, {len(able)}] for layers {', '.join(able)}; got {copy}"
        )
    return tuple(able[:copy] if copy >= 0 else able[copy:])


def _check_names(field: str, asked: Sequence[str], names: Sequence[str]) -> None:
    for name in asked:
        if name not in names:
            raise ParameterError(
                f"{field} must name layers of the network; got {name!r}{closest(name, names)}"
            )


def _safe(network: Layered, train: object) -> Plan:
    """Return what is done where nothing can be tried: fine-tune all, or train the last layer."""
    if train == "rest":
        return _plan(network, len(network.names) - 1, "rest")
    return _plan(network, len(network.copyable), "all")


def _halved(recipe: Recipe) -> Recipe:
    """Return a recipe for trials: half the time, and nothing held out of what they learn from."""
    steps = None if recipe.steps is None else max(1, recipe.steps // 2)
    return recipe.but(
        epochs=math.ceil(recipe.epochs / 2),
        min_steps=math.ceil(recipe.min_steps / 2),
        steps=steps,
        validation=0.0,
        patience=None,
    )


def _folds(job: Job, data: Data) -> list[NDArray[np.intp]]:
    """Split the labels; no fold where they are too few."""
    classes, y = isinstance(job.task, Classification), data.y.numpy()
    n = count_folds(y, FOLDS, stratified=classes)
    return make_folds(y, n, job.seed, stratified=classes) if n else []


def _score(
    network: Layered, plan: Plan, data: Data, folds: Sequence[NDArray[np.intp]], recipe: Recipe
) -> float:
    scores = [network.score(plan, data, held, recipe) for held in folds]
    return math.fsum(scores) / len(scores)


def _curves(lines: Mapping[str, Sequence[Plan]], scores: Mapping[Plan, float], job: Job) -> Curves:
    classes = isinstance(job.task, Classification)
    return Curves(
        title="Score on held-out labels: the first or the last layers copied, frozen or tuned",
        across="copied layers",
        up="accuracy" if classes else "minus the loss",
        x=[str(len(plan.copied)) for plan in next(iter(lines.values()))],
        lines={name: [scores[plan] for plan in plans] for name, plans in lines.items()},
    )


def _facts(network: Layered, plan: Plan, *, tried: int, folds: int) -> Facts:
    how = "as asked for"
    if tried > 1:
        how = (
            f"the best of {tried} on {folds} folds of the labels"
            if folds
            else "labels too few to be split to choose by, so a fixed choice and a fixed time"
        )
    return Facts(f"Layers: {how}", {name: plan.of(name) for name in network.names})
