"""Preparations of a question: for methods of transfer, and for baselines without."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Final, final

import numpy as np
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.errors import DataError
from fourfold.methods import find
from fourfold.networks.builder import Builder
from fourfold.preparation.choose import TablePreparation, TableViews
from fourfold.study.checks import check_network, fit_preparation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.planner import Placement
    from fourfold.preparation.choose import Preparation

__all__ = ["Preparations", "check_inputs", "prepare_questions"]

DECODED: Final = frozenset({"pictures", "sounds", "speech"})
LOOKED_AT: Final = 1 << 26
"""Numbers of a domain that the map looks at, at most."""
ITEMS: Final = 2_000
"""Files of a domain that the map decodes, at most."""


@final
@dataclass(frozen=True)
class Preparations:
    """Preparations of one question.

    A preparation that learns from labels is given unfitted, so that each fit learns from its own
    labels alone; another one is fitted once for all fits.

    Attributes
    ----------
    shared
        Fitted on the inputs of all training domains, without labels.
    given
        For methods that use the source.
    alone
        For baselines without transfer: of the target alone.
    network
        The pretrained network's own, for methods that build on it, and the same of the target
        alone; None without such a network.
    """

    shared: Preparation
    given: Preparation | FrozenEstimator
    alone: Preparation | FrozenEstimator
    network: tuple[FrozenEstimator, FrozenEstimator] | None = None

    def of(self, estimator: TransferEstimator) -> Preparation | FrozenEstimator:
        """Return the preparation of a method, of tables with a view for trees where it has some."""
        if self.network is not None and estimator.takes_network:
            return self.network[0 if estimator.uses_source else 1]
        chosen = self.given if estimator.uses_source else self.alone
        inner = chosen.estimator if isinstance(chosen, FrozenEstimator) else chosen
        if not estimator.prepares_apart or not isinstance(inner, TablePreparation):
            return chosen
        if isinstance(chosen, FrozenEstimator):
            return FrozenEstimator(TableViews.over(inner))
        return TableViews(**inner.get_params(deep=False))

    def notes(self) -> list[str]:
        """List the losses of the inputs, a sentence each."""
        notes = self.shared.notes()
        if self.network is not None:
            notes += self.network[0].estimator.notes()
        if notes and not isinstance(self.given, FrozenEstimator):
            notes.append(
                "Columns of so many categories are also encoded by mean labels, which each fit "
                "learns from its own labels, and each row gets from others."
            )
        return notes


def prepare_questions(
    chosen: Preparation | None,
    placement: Placement,
    learnt: Sequence[Domain],
    targets: Mapping[str, Domain],
    asked: Iterable[Domain | None],
    network: object,
    trained: object = None,
) -> dict[str, Preparations]:
    """Fit the preparation, or the one of the first baseline, and check the network behind it.

    Parameters
    ----------
    learnt, targets
        All training domains, and question → the one that baselines without transfer learn from.
    asked
        Rows to evaluate on.
    network, trained
        That of the methods, and the one that is the source.

    Raises
    ------
    DataError
        If rows of any domain cannot be used; the message names the domain.
    """
    module = isinstance(network if trained is None else trained, nn.Module)

    def unfitted(domains: Sequence[Domain]) -> Preparation:
        return chosen or _usual(placement, domains, module=module)

    kind, judged = unfitted(learnt), list(asked)
    shared = fit_preparation(kind, learnt, *judged)
    named = next((one for one in (trained, network) if isinstance(one, Builder)), None)
    own = None if chosen is not None or named is None else _of_network(named, learnt, judged)
    whole = network if trained is None else trained
    check_network(whole, (own or shared).shape_, spoken=learnt[0].rows.spoken)
    given = _given(shared, kind, learnt)

    def alone(target: Domain) -> Preparation | FrozenEstimator:
        if len(learnt) == 1:
            return given
        kind = unfitted([target])
        try:
            return _given(fit_preparation(kind, [target]), kind, [target])
        except DataError:  # then each of these baselines fails, and says so
            return kind

    def of_network(target: Domain) -> tuple[FrozenEstimator, FrozenEstimator] | None:
        if own is None or named is None:
            return None
        mine = own if len(learnt) == 1 else _of_network(named, [target], [])
        return FrozenEstimator(own), FrozenEstimator(mine or own)

    return {
        name: Preparations(shared, given, alone(target), of_network(target))
        for name, target in targets.items()
    }


def check_inputs(
    placement: Placement,
    learnt: Sequence[Domain],
    asked: Iterable[Domain | None] = (),
    trained: object = None,
) -> list[str]:
    """Refuse rows as a study would, and return its notes on their preparation.

    Of very many rows, those are looked at that are spread over all of them.

    Raises
    ------
    DataError
        If rows of any domain cannot be used; the message names the domain.
    """
    parts = [_spread(domain) for domain in learnt]
    judged = [_spread(domain) for domain in asked if domain is not None]
    usual = _usual(placement, parts, module=isinstance(trained, nn.Module))
    return fit_preparation(usual, parts, *judged).notes()


def _spread(domain: Domain) -> Domain:
    rows = domain.rows
    most = ITEMS if rows.kind in DECODED else max(ITEMS, LOOKED_AT // max(1, prod(rows.shape)))
    if rows.n <= most:
        return domain
    return domain.subset(np.linspace(0, rows.n - 1, most).astype(np.intp))


def _usual(placement: Placement, domains: Sequence[Domain], *, module: bool) -> Preparation:
    """Return the unfitted preparation of the first baseline, perhaps before a user's module."""
    baseline = find(placement.baselines[0]).load()()
    made: Preparation = baseline.choose_preparation(
        [domain.rows for domain in domains], user_network=module
    )
    return made


def _of_network(
    network: Builder, learnt: Sequence[Domain], asked: Sequence[Domain | None]
) -> Preparation | None:
    """Fit a network's own preparation; None where it has none."""
    kind = network.preparation([domain.rows for domain in learnt])
    return None if kind is None else fit_preparation(kind, learnt, *asked)


def _given(
    fitted: Preparation, kind: Preparation, domains: Sequence[Domain]
) -> Preparation | FrozenEstimator:
    labelled = any(domain.n_labelled for domain in domains)
    return kind if fitted.learns_labels and labelled else FrozenEstimator(fitted)
