"""The reach of a study's options and weights: those that would do nothing are refused or noted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from sklearn.base import clone

from fourfold.core.tasks import Classification
from fourfold.errors import ParameterError, some
from fourfold.estimators.transfer import TransferEstimator
from fourfold.study.candidates import acts_on

if TYPE_CHECKING:
    from fourfold.data.domain import Domain
    from fourfold.estimators.joint import JointEstimator
    from fourfold.study.asking.options import Options
    from fourfold.study.question import Question

__all__ = ["ClassWeight", "give_weights"]

ClassWeight: TypeAlias = Literal["balanced"] | dict[Any, float] | None


def give_weights(
    options: Options, questions: Mapping[str, Question], class_weight: ClassWeight
) -> dict[str, Question]:
    """Give class weights to the methods of each question, and note those without weights.

    Raises
    ------
    ParameterError
        If an option would do nothing: no method takes the network, the recipe or the class weights;
        a recipe has two lengths; an encoder stands beside a preparation; or overlap is allowed and
        there are no rows to evaluate on.
    """
    _check(options, questions)
    settled = {}
    reached = False
    for name, question in questions.items():
        notes = [*question.notes, *_weight_notes(question)]
        if class_weight is not None:
            taken = _weigh_classes(question, class_weight)
            reached = reached or bool(taken)
            left = [method for method in question.candidates if method not in taken]
            if left:
                notes.append(f"Class weights do not reach {some(left, 4)}.")
        settled[name] = replace(question, notes=tuple(notes))
    if class_weight is not None and not reached:
        kinds = {type(question.protocol.task).__name__ for question in questions.values()}
        raise ParameterError(
            "class_weight must be taken by some method; got it where none learns classes from "
            f"examples ({some(sorted(kinds))})"
        )
    return settled


def _check(options: Options, questions: Mapping[str, Question]) -> None:
    candidates = {name: e for q in questions.values() for name, e in q.candidates.items()}
    for option, value in {"network": options.network, "recipe": options.recipe}.items():
        if value is not None and not any(acts_on(e, option, value) for e in candidates.values()):
            raise ParameterError(
                f"{option} must be taken by some method; got it beside {some(candidates, 4)}, "
                "which take none"
            )
    recipe = options.recipe if isinstance(options.recipe, Mapping) else {}
    lengths = [name for name in ("epochs", "min_steps") if recipe.get(name) is not None]
    if recipe.get("steps") is not None and lengths:
        raise ParameterError(
            f"{lengths[0]} must be left out beside steps, the exact length of a fit; got both"
        )
    if options.encoder is not None and options.prepare is not None:
        raise ParameterError(
            f"encoder must be left out beside prepare, which encodes texts; got {options.encoder!r}"
        )
    if options.allow_overlap and all(question.evaluate is None for question in questions.values()):
        raise ParameterError(
            "allow_overlap=True must stand beside rows to evaluate on; got none of these"
        )


def _weigh_classes(question: Question, class_weight: ClassWeight) -> list[str]:
    """Set the class weights where a method learns classes; return the names of these methods."""
    if not isinstance(question.protocol.task, Classification):
        return []
    task = Classification(class_weight=class_weight)
    task.check()
    taken = []
    for name, estimator in question.candidates.items():
        for field, value in (("task", task), ("class_weight", class_weight)):
            if estimator.takes(field, value):
                own = estimator.get_params(deep=False)[field]
                if isinstance(own, Classification) and own.class_weight is None:
                    own = clone(own).set_params(class_weight=class_weight)
                estimator.set_params(**{field: value if own is None else own})
                taken.append(name)
    return taken


def _weight_notes(question: Question) -> list[str]:
    """Return notes on rows and methods that the weights of rows do not reach."""
    weighted = [domain for domain in question.domains if domain.annotations.weight is not None]
    alike = [name for name, e in question.candidates.items() if not _uses_weights(e)]
    notes = []
    if weighted and alike:
        notes.append(
            f"Weights do not reach {some(alike, 4)}, to which all rows are alike; scores use them."
        )
    if any(_unused(domain) for domain in weighted):
        notes.append("Weights of rows without a label are not used.")
    return notes


def _uses_weights(estimator: TransferEstimator | JointEstimator) -> bool:
    return not isinstance(estimator, TransferEstimator) or estimator.uses_weights


def _unused(domain: Domain) -> bool:
    """Return whether rows without a label have weights that differ."""
    weight = domain.annotations.weight
    return weight is not None and len(np.unique(weight[~domain.labelled & (weight > 0)])) > 1
