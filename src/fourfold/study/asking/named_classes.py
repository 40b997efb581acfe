"""Classes that a network of two towers knows by their names: nothing chooses, labels may judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fourfold.core.tasks import Classification
from fourfold.data.descriptions import Descriptions
from fourfold.errors import DataError
from fourfold.networks.builder import Builder
from fourfold.study.protocols import Protocol, check_asked
from fourfold.study.scores import SCORES, choose_score
from fourfold.study.splits import HiddenLabels

if TYPE_CHECKING:
    from fourfold.data.domain import Domain

__all__ = ["named_protocol", "naming_notes"]


def named_protocol(target: Domain, evaluate: Domain | None, *, metric: str | None) -> Protocol:
    """Return the protocol for classes that are known by their names alone.

    Raises
    ------
    DataError, ParameterError
        If fewer than two are named, or a class to evaluate on is not.
    """
    if target.classes is None or len(target.classes) < 2:
        got = "none" if target.classes is None else f"one, {target.classes.names.tolist()[0]!r}"
        raise DataError(f"at least two candidate classes must be named; got {got}")
    task = Classification().among(np.unique(target.classes.names))
    check_asked(task, evaluate, [], both_kinds=False)
    score = SCORES["balanced_accuracy"]
    if metric is not None:
        score = choose_score(task, evaluate or target, metric)
    return Protocol(task, score, score, HiddenLabels([], target, task, 2), "nobody")


def naming_notes(trained: object, target: Domain) -> list[str]:
    """Note the texts as which a network of two towers reads the classes of a target."""
    if not isinstance(trained, Builder):
        return []
    named = Descriptions(target.counts, [str(name) for name in target.counts])
    return trained.towers().notes(target.classes or named)
