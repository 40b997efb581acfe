"""The choice of the shipped model in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fourfold.core.findings import FAILURE, Facts
from fourfold.study.choice.accuracy import AccuracyModel
from fourfold.study.choice.optimism import nested_score
from fourfold.study.choice.posterior import reference
from fourfold.study.choice.unlabelled import clusters_tell_classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.study.choice.accuracy import Estimate
    from fourfold.study.choice.prior import Prior
    from fourfold.study.choice.standing import Standing
    from fourfold.study.leaderboard import LeaderboardRow
    from fourfold.study.question import Question

__all__ = ["chosen_by", "correction", "disbelieved", "reasons"]


def chosen_by(question: Question, board: Sequence[LeaderboardRow]) -> str:
    """Name the criterion of model selection."""
    protocol = question.protocol
    counted = protocol.splits.count > 0
    own = protocol.splits.chosen_by(protocol.choice) if counted else "no label can be held out"
    if any(row.expected is not None and row.expected.prior_known for row in board):
        first = "the blend" if any(row.leads for row in board) else "the model"
        return (
            f"{first} of the largest expected gain: the methods' gains on public tasks, and {own}"
        )
    if counted:
        return own
    if protocol.chooser == "nobody":
        return "nothing: there are no labels, and the network knows the classes by their names"
    if protocol.chooser != "panel":
        return "information maximization on the target's inputs, without labels"
    if not protocol.task.has_classes:
        return (
            "held-out labels of the source, among its models as they are: without labels nothing "
            "tells which adapted model is right"
        )
    if any(row.role == "transfer" and row.doubted is False for row in board):
        panel = "the ranks by information maximization, the nuclear norm and the agreement"
        return (
            f"{'the agreement' if protocol.task.beyond else panel} with clusters of the target's "
            "inputs, among the methods whose predictions follow these clusters better than each "
            "source model's"
        )
    why = (
        "no adapted model's predictions follow clusters of the target's inputs better than theirs"
        if clusters_tell_classes(question)
        else "its classes are no clusters of its inputs, so that nothing tells which adapted model "
        "is right"
    )
    return f"held-out labels of the source, among its models as they are: {why}"


def disbelieved(question: Question, board: Sequence[LeaderboardRow]) -> list[str]:
    """Name the methods whose training failed, and those that the validators are not believed on."""
    said = [
        f"{row.method} shows signs of failure: {name}, {value}."
        for row in board
        for finding in row.findings
        if isinstance(finding, Facts) and finding.title == FAILURE
        for name, value in finding.values.items()
    ]
    return said + _doubted(question, board)


def _doubted(question: Question, board: Sequence[LeaderboardRow]) -> list[str]:
    names = [row.method for row in board if row.doubted]
    if not question.protocol.task.has_classes:
        return []
    why = (
        "predictions follow clusters of the target's inputs no better than a baseline's, or "
        "clearly less well than another method's"
    )
    if names and not clusters_tell_classes(question):
        why = (
            "the source's classes are no clusters of its inputs (agreement "
            f"{question.clustered_classes:z.2f}), so that clusters of the target's are no evidence"
        )
    return [f"{', '.join(names)} cannot be chosen: {why}."] if names else []


def _accuracy(name: str, found: Estimate) -> str:
    made = AccuracyModel.packaged().made
    return (
        f"Without labels, {name} is estimated to be right on {found.accuracy:.0%} of the target's "
        f"rows, 95 % interval {found.low:.0%} to {found.high:.0%}: other candidates predict "
        f"{found.signs.agreement:.0%} of them alike, by accuracies on {made['tasks']} public tasks."
    )


def reasons(question: Question, shipped: LeaderboardRow | None, standing: Standing) -> list[str]:
    """Explain the expected gain of the shipped model, and list the members of a blend."""
    said = []
    if shipped is not None and shipped.method in standing.blends:
        weights = standing.blends[shipped.method].weights
        parts = ", ".join(f"{weight:.0%} {name}" for name, weight in weights.items())
        said.append(f"{shipped.method} averages the answers of {parts}.")
    if shipped is not None and shipped.estimate is not None:
        said.append(_accuracy(shipped.method, shipped.estimate))
    found = None if shipped is None else shipped.expected
    if shipped is None or found is None or not found.prior_known:
        return said
    beside = reference(question)
    if shipped.method == beside or found.evidence is None:
        return said
    parts = (
        f"{shipped.method} is expected to remove {found.mean:z.0%} of the error of {beside}: "
        f"{found.prior:z.0%} by public tasks and {found.evidence:z.0%} by this study's own "
        f"scores, which count for {found.share:.0%}."
    )
    if question.leads:
        shares = ", ".join(f"{kind} {lead:z.0%}" for kind, lead in question.leads.items())
        said.append(
            f"Share of a line's error that others remove on the source's own labels: {shares}."
        )
    return [*said, parts]


def correction(
    question: Question,
    board: Sequence[LeaderboardRow],
    shipped: LeaderboardRow | None,
    prior: Prior,
) -> tuple[float | None, list[str]]:
    """Score the shipped model without the optimism of the choice, where folds choose and judge."""
    protocol = question.protocol
    held = protocol.splits.count > 0 and protocol.chooser != "consensus"
    if question.evaluate is not None or shipped is None or not held:
        return None, []
    nested, own = nested_score(question, board, prior), float(np.mean(shipped.choice))
    if nested is None:
        return None, []
    corrected, score = min(nested, own), protocol.choice
    said = (
        f"The same folds chose and judge: {shipped.method} has {score.shown(own):.3f} "
        f"{score.words} on them; {score.shown(corrected):.3f} is left where each fold judges only "
        "the choice by the others."
    )
    return corrected, [said]
