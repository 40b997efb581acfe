"""Candidates: the unfitted estimators of a study, with its network, recipe and preparation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from sklearn.base import clone

from fourfold.algorithms.additive.boosting import loads_lightgbm
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.joint import JointEstimator
from fourfold.estimators.transfer import TransferEstimator
from fourfold.methods import find, table
from fourfold.networks.cut import stays
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sklearn.frozen import FrozenEstimator

    from fourfold.data.domain import Domain
    from fourfold.networks.builder import Builder
    from fourfold.planner import Placement
    from fourfold.preparation.base import Preparation
    from fourfold.study.asking.trained import TrainedSource

__all__ = [
    "Method",
    "acts_on",
    "baselines",
    "changed_parameters",
    "joint_candidates",
    "transfer_candidates",
    "variant_name",
]

Method: TypeAlias = str | TransferEstimator | JointEstimator
"""A class name, or an unfitted estimator."""

Prepare: TypeAlias = "Callable[[TransferEstimator], Preparation | FrozenEstimator]"

E = TypeVar("E", bound=TransferEstimator | JointEstimator)


def transfer_candidates(
    methods: Sequence[Method] | None,
    placement: Placement,
    defaults: Mapping[str, Any],
    parameters: Mapping[str, Any],
    prepare: Prepare | None = None,
    *,
    pretrained: Builder | None = None,
    trained: TrainedSource | None = None,
) -> dict[str, TransferEstimator]:
    """Return the methods of one target and their baselines by name, baselines first.

    Without methods of the user, those that studies try are taken. ``defaults`` are the study's
    network and recipe, ``parameters`` the same in every method that has them, and ``prepare``
    returns the preparation of a method. Training goes on from the weights of a ``pretrained``
    network by its own recipe; a ``trained`` one is the source.

    Raises
    ------
    ParameterError
        If a method does not apply to these data.
    DataError
        If no method applies.
    """
    frozen = stays(defaults.get("network"))
    tried = placement.tried(pretrained=pretrained is not None, frozen=frozen)
    wanted = tuple(filter(_loads, tried)) if methods is None else methods
    asked = [one for method in wanted for one in _applicable(method, placement)]
    beside = placement.beside(type(estimator).__name__ for estimator in asked)
    taken = set(beside)
    chosen = [one for name in beside for one in _applicable(name, placement)]
    for estimator in asked:
        name = type(estimator).__name__
        if name not in taken:
            chosen.append(estimator)
        if name in placement.baselines:  # each runs once
            taken.add(name)
    named = _numbered((variant_name(estimator), estimator) for estimator in chosen)
    if all(name in placement.baselines for name in named):
        why = "; ".join(f"{name}: {reason}" for name, reason in placement.skipped.items())
        raise DataError(f"there must be a method that applies to these data; none does: {why}")
    for estimator in named.values():
        estimator.set_params(**{k: v for k, v in parameters.items() if estimator.takes(k, v)})
        settled = isinstance(trained, TransferEstimator) and estimator.uses_source
        own = {} if prepare is None or settled else {"prepare": prepare(estimator)}
        given = {**defaults, **own}
        if "recipe" in given:
            alone = trained is not None
            given["recipe"] = _recipe_of(estimator, given["recipe"], pretrained, trained=alone)
        _apply_defaults(estimator, {k: v for k, v in given.items() if v is not None})
    return named


def _loads(name: str) -> bool:
    """Return whether the library that a method needs can be loaded."""
    return not table()[name].needs.get("lightgbm") or loads_lightgbm()


def _recipe_of(
    estimator: TransferEstimator,
    asked: Recipe | Mapping[str, Any],
    pretrained: Builder | None,
    *,
    trained: bool,
) -> Recipe | Mapping[str, Any] | None:
    """Return the recipe that a method is given beside a pretrained network.

    Changes are of the network's own recipe where the method trains on from its weights; a method
    that trains nothing, since a trained source settles it, gets none.
    """
    if trained and "recipe" in estimator.from_trained:
        return None
    own = None if pretrained is None else pretrained.recipe
    trains_on = estimator.takes_network and (estimator.uses_source or not trained)
    if not isinstance(asked, Mapping) or not trains_on or own is None:
        return asked
    return own.but(**asked)


def joint_candidates(
    methods: Sequence[Method] | None,
    placement: Placement,
    tasks: Mapping[str, Domain],
    defaults: Mapping[str, Any],
) -> dict[str, JointEstimator]:
    """Return the joint methods of all tasks, by class name and options.

    Raises
    ------
    ParameterError
        If a method does not learn several tasks, or there is none.
    """
    wanted = placement.methods if methods is None else methods
    named = _numbered(
        (_name(estimator), _apply_defaults(estimator, defaults))
        for method in wanted
        for estimator in _joint(method, tasks)
    )
    if not named:
        raise ParameterError("methods must hold one that learns several tasks; got none")
    return named


def baselines(
    placement: Placement, defaults: Mapping[str, Any], prepare: Prepare
) -> dict[str, TransferEstimator]:
    """Return the baselines of one task among several, by name."""
    made: dict[str, TransferEstimator] = {n: find(n).load()() for n in placement.baselines}
    for estimator in made.values():
        _apply_defaults(estimator, {**defaults, "prepare": prepare(estimator)})
    return made


def changed_parameters(estimator: TransferEstimator | JointEstimator) -> dict[str, str]:
    """Return the parameters other than defaults, the preparation aside, as text."""
    return {k: repr(value) for k, value in _changed(estimator).items() if k != "prepare"}


def _applicable(method: Method, placement: Placement) -> list[TransferEstimator]:
    """Return an unfitted copy of a method, or the variants of a class; refuse others."""
    entry = find(method) if isinstance(method, str) else None
    name = entry.name if entry is not None else type(method).__name__
    if name in placement.skipped:
        raise ParameterError(
            f"methods must apply to these data; {name} does not: {placement.skipped[name]}"
        )
    return [clone(method)] if entry is None else entry.load().candidates()


def variant_name(estimator: TransferEstimator) -> str:
    """Return the class name, and the value by which a variant of it differs from the default."""
    default = type(estimator)()
    values = {name: (getattr(estimator, name), getattr(default, name)) for name in default.variants}
    return " ".join([type(estimator).__name__, *(str(a) for a, b in values.values() if a != b)])


def _joint(method: Method, tasks: Mapping[str, Domain]) -> list[JointEstimator]:
    """Return an unfitted copy of a method, or the variants of a class for these tasks."""
    if isinstance(method, JointEstimator):
        return [clone(method)]
    kind = find(method).load() if isinstance(method, str) else type(method)
    if not issubclass(kind, JointEstimator):
        raise ParameterError(f"methods must learn several tasks at once; got {kind.__name__}")
    return list(kind.candidates(tasks))


def _name(method: JointEstimator) -> str:
    """Return the class name and the options other than defaults."""
    changed = _changed(method).items()
    options = [value for k, value in changed if isinstance(value, str) and k != "network"]
    return " ".join([type(method).__name__, *options])


def _changed(estimator: TransferEstimator | JointEstimator) -> dict[str, Any]:
    """Return the parameters other than defaults."""
    defaults = type(estimator)().get_params(deep=False)
    ours = estimator.get_params(deep=False)
    return {name: value for name, value in ours.items() if repr(value) != repr(defaults[name])}


def _numbered(pairs: Iterable[tuple[str, E]]) -> dict[str, E]:
    """Return estimators by name, with ``-2``, ``-3``, … after repeated names."""
    named: dict[str, E] = {}
    met: Counter[str] = Counter()
    for name, estimator in pairs:
        met[name] += 1
        named[f"{name}-{met[name]}" if met[name] > 1 else name] = estimator
    return named


def acts_on(estimator: TransferEstimator | JointEstimator, name: str, value: Any) -> bool:
    """Return whether an estimator takes a default of the study, and would do something with it."""
    partial = name == "recipe" and isinstance(value, Mapping)
    return estimator.takes(name, Recipe() if partial else value) and name not in estimator.idle()


def _apply_defaults(estimator: E, defaults: Mapping[str, Any]) -> E:
    """Set the study's defaults where the estimator takes them and has no value of its own."""
    own = estimator.get_params(deep=False)
    changes: dict[str, Any] = {}
    for name, value in defaults.items():
        partial = name == "recipe" and isinstance(value, Mapping)
        if not acts_on(estimator, name, value) or own[name] is not None:
            continue
        changes |= {f"recipe__{k}": v for k, v in value.items()} if partial else {name: value}
    estimator.set_params(**changes).check()
    return estimator
