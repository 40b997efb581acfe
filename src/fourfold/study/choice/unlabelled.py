"""The choice without target labels: a panel of validators, and source models by the source's own.

An adapted model is believed only if the source's classes are clusters of its inputs, and if the
model's predictions follow clusters of the target's inputs better than those of each source model,
and about as well as any, also if the target lacked half of the classes. Among these the ranks by
three validators are added up. Without any, it is the source model that is best on held-out labels
of the source.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import rankdata
from sklearn.base import clone

from fourfold.core.tasks import Classification
from fourfold.study.choice.accuracy import AccuracyModel, Signs
from fourfold.study.choice.leads import held_apart, labelled_rows
from fourfold.study.choice.sources import weigh_sources
from fourfold.study.running.outcomes import whole
from fourfold.study.validators.information import information_maximization
from fourfold.study.validators.nuclear_norm import nuclear_norm
from fourfold.training.runtime import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.question import Question
    from fourfold.study.running.outcomes import Failure, Outcome

__all__ = [
    "believed",
    "choose_by_panel",
    "clusters_tell_classes",
    "measured_on_sources",
    "taken_as_it_is",
]

MEMBERS: Final = 3
"""Believed models that are blended."""
RISE: Final = 0.02
"""Rise of the agreement over the source's models by which an adapted model is believed."""
NEAR: Final = 0.05
"""Distance of a believed model's agreement with the clusters from the best one's, at most."""
LEAST: Final = 0.05
"""Agreement of the source's classes with clusters of its inputs from which these are evidence."""
FEWEST: Final = 40
"""Labelled rows of a source by which its models can be compared."""
MOST: Final = 3000
"""Rows of it, at most."""


def taken_as_it_is(rows: Mapping[str, LeaderboardRow]) -> dict[str, LeaderboardRow]:
    """Return the rows of which models of transfer are believed, without a choice."""
    return {
        name: row
        if row.error
        else replace(row, choice=[0.0], doubted=False if row.role == "transfer" else None)
        for name, row in rows.items()
    }


def measured_on_sources(questions: Mapping[str, Question], threads: int) -> dict[str, Question]:
    """Return the questions with measures of their sources' labels, taken on so many threads.

    Where the target has no labels these are weights of several sources, and scores of their models.
    """
    with current().but(threads=threads):
        return {name: _measured(one) for name, one in questions.items()}


def _measured(question: Question) -> Question:
    if question.protocol.chooser != "panel":
        return question
    question = weigh_sources(question)
    return replace(question, source_scores=measure_source_models(question))


def measure_source_models(question: Question) -> dict[str, float]:
    """Score models of the source on a quarter of its labelled rows, which they have not seen.

    There are none where the source has too few.
    """
    names = [name for name in question.candidates if question.is_baseline(name)]
    rows = labelled_rows(question.sources, FEWEST, MOST)
    if rows is None or len(names) < 2:
        return {}
    learnt, held = held_apart(rows, stratified=question.protocol.task.stratified)
    found = {}
    for name in names:
        with suppress(Exception):  # it is said where the model is fitted to all rows
            found[name] = _score(question, name, learnt, held)
    return found


def choose_by_panel(
    question: Question,
    rows: Mapping[str, LeaderboardRow],
    outcomes: Mapping[str, Sequence[Outcome | Failure]],
) -> dict[str, LeaderboardRow]:
    """Return the rows with the panel's choice, and marks of the methods that are not believed.

    The choice of a method is its mean share of ranks by the validators, that of a blend the best
    member's; that of a source model is its score on held-out labels of the source, if measured.
    Without classes there are no validators, and no method is believed.
    """
    alive = {name: row for name, row in rows.items() if not row.error}
    if isinstance(question.protocol.task, Classification):
        alive = _validated(question, alive, outcomes)
    else:
        alive = {
            name: replace(row, choice=[0.0], doubted=row.role == "transfer")
            for name, row in alive.items()
        }
    own = question.source_scores
    alive |= {
        name: replace(row, choice=[own.get(name, 0.0)])
        for name, row in alive.items()
        if row.role == "baseline"
    }
    return {**rows, **alive}


def _validated(
    question: Question,
    rows: Mapping[str, LeaderboardRow],
    outcomes: Mapping[str, Sequence[Outcome | Failure]],
) -> dict[str, LeaderboardRow]:
    """Return rows with ranks by the validators, doubts, and estimates of the accuracy."""
    shares = None if question.protocol.task.beyond else question.source_shares
    outputs = {
        name: [(one.task, one.outputs["target"]) for one in whole(outcomes[name])] for name in rows
    }
    follow, *others = (
        {
            name: float(np.mean([clusters.agreement(*one, shares) for one in of]))
            for name, of in outputs.items()
        }
        for clusters in question.clusterings
    )
    single = [n for n, row in rows.items() if row.role == "transfer" and not row.blended]
    doubted = {n for one in (follow, *others) for n in _below(question, one, single)}
    doubted |= set() if clusters_tell_classes(question) else set(rows)
    panel = _panel(outputs, single, shares, follow)
    top = max(panel.values(), default=0.0)
    found = {
        name: replace(
            row, choice=[panel.get(name, top)], doubted=row.role == "transfer" and name in doubted
        )
        for name, row in rows.items()
    }
    if shares is None or not question.clusterings[0].told:
        return found
    return _estimated(found, outputs, follow, float(shares.max()))


def clusters_tell_classes(question: Question) -> bool:
    """Return whether clusters of inputs are evidence of classes, by the labels of the source.

    Where its own classes are no clusters, a model that follows the target's clusters follows
    something else.

    References
    ----------
    Ben-David, Lu & Pál, Does Unlabeled Data Provably Help?, COLT 2008; Chapelle, Schölkopf & Zien,
    Semi-Supervised Learning, 2006: the cluster assumption.
    """
    return question.clustered_classes >= LEAST


def _below(question: Question, follow: Mapping[str, float], single: Sequence[str]) -> list[str]:
    """Return the models whose agreement with clusters is no evidence for them."""
    least = RISE + max((v for n, v in follow.items() if question.is_baseline(n)), default=-np.inf)
    least = max(least, max((follow[name] for name in single), default=-np.inf) - NEAR)
    return [name for name, value in follow.items() if value < least]


def _estimated(
    rows: Mapping[str, LeaderboardRow],
    outputs: Mapping[str, Sequence[tuple[Any, Any]]],
    follow: Mapping[str, float],
    largest: float,
) -> dict[str, LeaderboardRow]:
    """Return rows with estimates of the accuracy, by the share of the source's largest class."""
    agreement = _agreement(outputs, [name for name, row in rows.items() if not row.blended])
    signs = {name: Signs(alike, follow[name], largest) for name, alike in agreement.items()}
    model = AccuracyModel.packaged()
    return {
        name: replace(row, estimate=model(signs[name]) if name in signs else None)
        for name, row in rows.items()
    }


def believed(rows: Iterable[LeaderboardRow]) -> list[str]:
    """Return the models that are blended: the best ones by the panel that are believed."""
    best = [r for r in rows if r.role == "transfer" and not (r.doubted or r.error or r.blended)]
    best.sort(key=lambda row: (-row.promise, row.method))
    return [row.method for row in best[:MEMBERS]]


def _panel(
    outputs: Mapping[str, Sequence[tuple[Any, Any]]],
    names: Sequence[str],
    shares: NDArray[np.float64] | None,
    follow: Mapping[str, float],
) -> dict[str, float]:
    """Return each method's mean share of ranks: 1 is the best by all validators.

    Where shares of the classes cannot be known, as of unknown ones, clusters alone decide.
    """
    if not names:
        return {}

    def mean(criterion: Callable[..., float], name: str, *more: Any) -> float:
        return float(np.mean([criterion(*one, *more) for one in outputs[name]]))

    values = [[follow[name] for name in names]]
    if shares is not None:
        values.append([mean(information_maximization, name, shares) for name in names])
        values.append([mean(nuclear_norm, name) for name in names])
    ranks = np.mean([rankdata(of) for of in values], axis=0) / len(names)
    return dict(zip(names, ranks.tolist(), strict=True))


def _agreement(
    outputs: Mapping[str, Sequence[tuple[Any, Any]]], singles: Sequence[str]
) -> dict[str, float]:
    """Return the share of rows on which another single model's answer is the same, mean over these.

    A model without another one has none.
    """
    answers = {name: task.decode(of) for name, ((task, of), *_) in outputs.items()}
    alike = {
        name: [np.mean(own == answers[other]) for other in singles if other != name]
        for name, own in answers.items()
    }
    return {name: float(np.mean(of)) for name, of in alike.items() if of}


def _score(question: Question, name: str, learnt: Domain, held: Domain) -> float:
    """Score a model of the source on held-out rows of it."""
    model: TransferEstimator = clone(question.candidates[name]).set_params(prepare=None)
    model.fit(held.unlabelled(), source=learnt)
    score = question.protocol.choice.of(held)
    return score(model.task_, held.known, model.outputs(held), held.known_weight)
