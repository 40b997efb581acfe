"""The candidates of a question as they stand: calibrated, and blends of them beside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, final

from fourfold.estimators.bases.wraps import Wraps
from fourfold.estimators.network import TrainsNetwork
from fourfold.networks.builder import Builder
from fourfold.networks.cut import stays
from fourfold.study.choice.blending import blend
from fourfold.study.choice.calibrating import applied, calibrated, tempering
from fourfold.study.choice.posterior import expect
from fourfold.study.choice.unlabelled import believed
from fourfold.study.question import BLENDS
from fourfold.study.running.outcomes import Failure, finished
from fourfold.study.splits import HiddenLabels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.algorithms.calibration import Calibration
    from fourfold.study.choice.blending import Blended
    from fourfold.study.choice.prior import Prior
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.question import Question
    from fourfold.study.running.outcomes import Outcome

__all__ = ["Standing", "stand"]


@final
class Standing(NamedTuple):
    """Outcomes of all candidates, and their models in terms of those that were fitted.

    Attributes
    ----------
    outcomes
        Candidate → outcomes, calibrated; blends are among them.
    blends
        Blend → its members and mixture.
    calibrations
        Candidate → calibration of its model on the whole target, where it has one.
    """

    outcomes: dict[str, Sequence[Outcome | Failure]]
    blends: dict[str, Blended]
    calibrations: dict[str, Calibration]


def stand(
    question: Question,
    outcomes: Mapping[str, Sequence[Outcome | Failure]],
    rows: Mapping[str, LeaderboardRow],
    prior: Prior,
) -> Standing:
    """Blend candidates that are alive, the likeliest first, and calibrate all.

    ``rows`` rate the outcomes as they are. Only where the target has labels to hold out, or a prior
    knows the cell, there are blends; without labels it is one of the models that are believed, and
    models of the source are made less sure.
    """
    standing = Standing({name: list(of) for name, of in outcomes.items()}, {}, {})
    if question.protocol.chooser == "panel" and question.sources:
        _blend_believed(question, standing, rows)
        _temper_source_models(question, standing)
        return standing
    labelled = isinstance(question.protocol.splits, HiddenLabels) and question.target.n_labelled
    if not labelled or not question.sources:
        return standing
    done = {
        name: finished(of)
        for name, of in outcomes.items()
        if not any(isinstance(one, Failure) for one in of)
    }
    rated = expect(question, {name: rows[name] for name in done}, prior).values()
    expected = {row.method: row.expected for row in rated if row.expected is not None}
    order = sorted(expected, key=lambda name: (-expected[name].mean, name))
    most = max(map(len, done.values()), default=0)
    running = [name for name in order if len(done[name]) == most]  # others stopped early
    baselines = [name for name in running if question.is_baseline(name)]
    for name, members in zip(BLENDS, (running, baselines), strict=True):
        mixed = blend(question, done, members, expected, trusted(question) & {*members})
        if mixed is None or (name == BLENDS[0] and set(mixed.members) <= set(baselines)):
            continue
        standing.blends[name] = mixed
        done[name] = [replace(one, method=name) for one in mixed.outcomes]
    for name, of in done.items():
        standing.outcomes[name], calibration = calibrated(question, of)
        if calibration is not None:
            standing.calibrations[name] = calibration
    return standing


def trusted(question: Question) -> set[str]:
    """Return the candidates that are blended unless labels speak against them.

    On tables they are lines and trees that use the source; networks win least there. With a
    pretrained network they are the methods that are made for one, and learn from the source's rows
    and the target's at once; the prior knows small networks alone. Without labels, and on other
    rows, there are none.
    """
    if question.target.rows.kind != "table":
        return {name for name, one in question.candidates.items() if _is_on_pretrained(one)}
    return {
        name
        for name, one in question.candidates.items()
        if isinstance(one, Wraps) and one.uses_source and not question.is_baseline(name)
    }


def _is_on_pretrained(one: object) -> bool:
    if not isinstance(one, TrainsNetwork) or not one.needs.pretrained:
        return False
    network = one.network
    return stays(network) or (isinstance(network, Builder) and network.trained)


def _temper_source_models(question: Question, standing: Standing) -> None:
    calibration = tempering(question)
    if calibration is None:
        return
    for name, of in standing.outcomes.items():
        if question.is_baseline(name) and not any(isinstance(one, Failure) for one in of):
            standing.outcomes[name] = [applied(calibration, one) for one in finished(of)]
            standing.calibrations[name] = calibration


def _blend_believed(
    question: Question, standing: Standing, rows: Mapping[str, LeaderboardRow]
) -> None:
    """Add the blend of the models that a panel believes, in equal parts."""
    done = {name: finished(of) for name, of in standing.outcomes.items()}
    most = max(map(len, done.values()), default=0)
    names = believed(row for row in rows.values() if len(done[row.method]) == most)
    mixed = blend(question, {name: done[name] for name in names}, names)
    if mixed is not None:
        standing.blends[BLENDS[0]] = mixed
        standing.outcomes[BLENDS[0]] = [replace(one, method=BLENDS[0]) for one in mixed.outcomes]
