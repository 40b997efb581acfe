"""Accuracies of an open set: on rows of known classes, and on those of unknown ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fourfold.study.running.outcomes import take
from fourfold.study.scores import SCORES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain
    from fourfold.study.running.outcomes import Outcome

__all__ = ["known_and_unknown"]


def known_and_unknown(evaluate: Domain, outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return the accuracies on ``"known"`` and on ``"unknown"`` classes, each if it has rows.

    They are averaged over classes and seeds.
    """
    score, y, weight = SCORES["balanced_accuracy"], evaluate.known, evaluate.known_weight
    known = np.isin(y, outcomes[0].task.decode(np.eye(outcomes[0].task.n_outputs, dtype="f4")))
    found = {}
    for name, at in {"known": np.flatnonzero(known), "unknown": np.flatnonzero(~known)}.items():
        own = None if weight is None else weight[at]
        if len(at):
            rates = [score(o.task, y[at], take(o.judged(evaluate), at), own) for o in outcomes]
            found[name] = float(np.mean(rates))
    return found
