"""Blends of candidates: weights by held-out rows, and outcomes as if they had been fitted."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, final

import numpy as np
import torch

from fourfold.algorithms.mixture import Mixture, alike, fit_mixture, in_terms, mixes
from fourfold.study.choice.posterior import chances
from fourfold.study.running.outcomes import ANSWERED, PLOTTED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Index
    from fourfold.study.leaderboard import Expected
    from fourfold.study.question import Question
    from fourfold.study.running.outcomes import Outcome

__all__ = ["Blended", "blend"]

MOST: Final = 8
"""Members of a blend, at most, where none is trusted."""
FAVOURITES: Final = 4
"""Members that join the trusted ones."""
LEAST: Final = 0.01
"""Weight below which a member is left out of what ships."""


@final
class Blended(NamedTuple):
    """A blend: its outcomes, its members, and their mixture."""

    outcomes: list[Outcome]
    members: list[str]
    mixture: Mixture

    @property
    def weights(self) -> dict[str, float]:
        """Member → weight, the largest first."""
        return dict(zip(self.members, self.mixture.weights, strict=True))


def blend(
    question: Question,
    outcomes: Mapping[str, Sequence[Outcome]],
    favourites: Sequence[str],
    expected: Mapping[str, Expected] | None = None,
    trusted: Collection[str] = (),
) -> Blended | None:
    """Blend candidates, the favourites that come first; None for fewer than two.

    Members are the trusted ones and the first four; where none is trusted, they are the first
    eight. Without evidence the trusted ones share the weight, else all by their chances to be the
    best of the members before any evidence, or equally where no gains are expected. The weights of
    an outcome on held-out rows come from the other rows.
    """
    names = _able(outcomes, favourites)
    sure = [name for name in names if name in trusted]
    names = list(dict.fromkeys([*sure, *names[: FAVOURITES if sure else MOST]]))
    if len(names) < 2:
        return None
    before = _before(names, sure, expected)
    task = outcomes[names[0]][0].task
    fits = {name: {(one.seed, one.split): one for one in outcomes[name]} for name in names}
    common = [key for key in fits[names[0]] if all(key in of for of in fits.values())]
    of_key = [[fits[name][key] for name in names] for key in common]
    held = _Held.of(question, task, of_key)
    whole = Mixture(before, "probabilities") if held is None else held.fit(before)
    folds: dict[bytes, Mixture] = {}
    found = []
    for (_, split), of in zip(common, of_key, strict=True):
        own = whole
        if split is not None and held is not None:
            key = of[0].held.tobytes()
            own = folds[key] = folds.get(key) or held.fit(before, without=of[0].held)
        found.append(_mixed(task, of, own))
    kept = [(name, w) for name, w in zip(names, whole.weights, strict=True) if w]
    members, weights = zip(*sorted(kept, key=itemgetter(1), reverse=True), strict=True)
    mixture = Mixture(weights, whole.scale)
    found[0] = replace(found[0], findings=[mixture.bars(members)])
    return Blended(found, list(members), mixture)


@final
class _Held(NamedTuple):
    """Answers of members for held-out rows, in the terms of the question's task.

    ``rows`` (n,) are positions in the target, each as often as it was held out.
    """

    task: Task
    rows: Index
    outputs: list[NDArray[np.float32]]
    y: Tensor
    weight: Tensor | None

    @classmethod
    def of(cls, question: Question, task: Task, fits: Sequence[Sequence[Outcome]]) -> Self | None:
        """Gather the answers of the members' fits on the same splits; None without any."""
        parts = [of for of in fits if of[0].split is not None]
        if not parts:
            return None
        rows = np.concatenate([of[0].held for of in parts])
        labels = question.target.subset(rows)
        outputs = [
            np.concatenate([in_terms(task, one.task, np.asarray(one.outputs["held"])) for one in m])
            for m in zip(*parts, strict=True)
        ]
        return cls(task, rows, outputs, task.encode(labels), task.weigh(labels))

    def fit(self, before: Sequence[float], without: Index | None = None) -> Mixture:
        """Fit weights to all rows, or to those that are not among some."""
        kept = np.ones(len(self.rows), bool) if without is None else ~np.isin(self.rows, without)
        if not kept.any():
            return Mixture(tuple(before))
        at, rows = torch.from_numpy(kept), self.rows[kept]
        found = fit_mixture(
            self.task,
            [one[kept] for one in self.outputs],
            self.y[at],
            None if self.weight is None else self.weight[at],
            before=before,
            repeats=len(rows) / len(np.unique(rows)),
        )
        return found._replace(weights=_kept(np.array(found.weights)))


def _before(
    names: Sequence[str], trusted: Collection[str], expected: Mapping[str, Expected] | None
) -> tuple[float, ...]:
    """Return the weights of members without evidence."""
    if trusted or expected is None:
        return _kept(np.array([float(name in (trusted or names)) for name in names]))
    chance = chances({name: expected[name].before for name in names})
    return _kept(np.array([chance[name] for name in names]))


def _kept(weights: NDArray[np.float64]) -> tuple[float, ...]:
    """Return weights, 1 in all, without those that are hardly any."""
    weights = np.where(weights < LEAST * weights.sum(), 0.0, weights)
    return tuple((weights / weights.sum()).tolist())


def _able(outcomes: Mapping[str, Sequence[Outcome]], favourites: Sequence[str]) -> list[str]:
    """Return the favourites whose answers can be combined."""
    tasks = {name: outcomes[name][0].task for name in favourites if outcomes.get(name)}
    able = {name: task for name, task in tasks.items() if mixes(task)}
    if not able:
        return []
    widest = max(able.values(), key=lambda task: task.n_outputs)
    return [name for name, task in able.items() if alike(task, widest)]


def _mixed(task: Task, of: Sequence[Outcome], mixture: Mixture) -> Outcome:
    """Combine the outcomes of members on one split to that of the blend.

    The features of plotted rows are those of the member with the largest weight that has some.
    """
    tasks = [one.task for one in of]
    upwards = sorted(zip(mixture.weights, of, strict=True), key=itemgetter(0))
    features = {k: v for _, one in upwards for k, v in one.outputs.items() if k in PLOTTED}
    answers: dict[str, Any] = {
        name: mixture.mix(task, tasks, [np.asarray(one.outputs[name]) for one in of])
        for name in ANSWERED
        if name in of[0].outputs
    }
    seconds, outputs = sum(one.seconds for one in of), answers | features
    return replace(of[0], task=task, outputs=outputs, seconds=seconds, losses=[], findings=[])
