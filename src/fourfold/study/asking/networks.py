"""Several pretrained networks: a linear probe on stored features chooses the one to build on."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fourfold.core.folds import count_folds, make_splits
from fourfold.errors import ParameterError
from fourfold.estimators.posing import fit_task
from fourfold.frozen.store import using
from fourfold.methods import find
from fourfold.networks.builder import Builder
from fourfold.study.asking.given import of_transfer
from fourfold.study.asking.trained import name_of, resolved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain
    from fourfold.frozen.store import Store

__all__ = ["choose_network"]

FOLDS: Final = 3


def choose_network(
    networks: Any, source: Any, target: Domain | None, store: Store | None
) -> tuple[Any, tuple[str, ...]]:
    """Return the pretrained network whose linear probe is best on the target's labels, and notes.

    A single one has no notes. Scores are means over folds of the target's labels, with the rows of
    a labelled source beside them. Features are computed once and stay in the store for the methods.
    Where there are too few labels for folds, the first network is taken.

    Raises
    ------
    ParameterError
        If there are several, and not all of them are pretrained ones by name.
    """
    if not isinstance(networks, (list, tuple)):
        return networks, ()
    found = [resolved(one) for one in networks]
    strange = [one for one in found if not (isinstance(one, Builder) and one.trained)]
    if strange or not found or target is None or not target.n_labelled:
        got = f"{strange[0]!r:.60}" if strange else f"{len(found)} of them"
        raise ParameterError(
            "several networks must be pretrained ones by name, beside a target with labels, by "
            f"which they are compared; got {got}"
        )
    if len(found) == 1:
        return found[0], ()
    sources, target, _ = of_transfer(source, target, None, trained=source is None)
    with nullcontext() if store is None else using(store):
        scores = [_score(network, sources, target) for network in found]
    named = [name_of(one) for one in found]
    if None in scores:
        note = f"Too few labels can be held out to compare networks: {named[0]} is taken."
        return found[0], (note,)
    order = np.argsort([-(score or 0.0) for score in scores], kind="stable")
    listed = ", ".join(f"{named[i]} {scores[i]:.3f}" for i in order)
    note = (
        f"A linear probe on held-out labels compares the networks, {listed}: the study builds on "
        f"{named[order[0]]}. The same labels then choose the method, so that their scores are a "
        "little high."
    )
    return found[order[0]], (note,)


def _score(network: Builder, sources: Sequence[Domain], target: Domain) -> float | None:
    """Return the mean score of a linear probe on held-out labels; None where there are too few."""
    known = target.subset(np.flatnonzero(target.labelled))
    task = fit_task(None, known, *sources)
    y, dependence = task.encode(known).numpy(), known.annotations.dependence
    folds = count_folds(y, FOLDS, stratified=task.stratified, **dependence)
    if not folds:
        return None
    total = 0.0
    taught = [source for source in sources if source.n_labelled]
    given: dict[str, Any] = {"network": network} if taught else {}
    probe = find("LinearProbe").load()(**given)
    for learnt, held in make_splits(y, folds, 0, stratified=task.stratified, **dependence):
        probe.fit(known.subset(learnt), source=taught or network)
        asked = known.subset(held)
        total += probe.score(asked.rows, asked.known)
    return total / folds
