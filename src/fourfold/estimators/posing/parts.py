"""Parts of a problem: its preparation, its network and its sources."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch
from torch import nn

from fourfold.data.domain import Domain
from fourfold.data.pooling import pool
from fourfold.errors import ParameterError
from fourfold.estimators.inputs import Data, Inputs
from fourfold.estimators.model import Model
from fourfold.estimators.preparing import fitted_to, labelled_rows
from fourfold.estimators.problem import Labelled, SourceNetwork, Unlabelled
from fourfold.frozen.store import active
from fourfold.networks import Listener, builder_of
from fourfold.networks.builder import Builder, as_body, reset_copy
from fourfold.networks.cut import Cut

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fourfold.core.tasks import Task
    from fourfold.estimators.posing.choices import PosesProblem
    from fourfold.estimators.problem import SourceOf
    from fourfold.frozen.frozen import Frozen
    from fourfold.preparation.base import Preparation
    from fourfold.preparation.tables.target_encoding import LabelledRows
    from fourfold.training.recipe import Recipe

__all__ = ["fresh_network", "leading", "pooled_or_pretrained", "posed_source", "prepare_inputs"]

KEPT_BYTES: Final = 1 << 30
"""Without a store, models of sources up to this size are kept."""


def pooled_or_pretrained(
    name: str, sources: Sequence[Domain | SourceNetwork]
) -> Domain | SourceNetwork:
    """Pool domains; a pretrained network stands alone."""
    domains = [one for one in sources if isinstance(one, Domain)]
    if len(domains) == len(sources):
        return pool(domains)
    if len(sources) > 1:
        raise ParameterError(
            f"source of {name} must be Domains or one trained model; got {len(sources)} sources, "
            f"of which {len(domains)} are Domains"
        )
    return sources[0]


def leading(pretrained: Sequence[SourceNetwork]) -> SourceNetwork | None:
    """Return the source whose preparation is taken over; others must have the same."""
    prepared = [one for one in pretrained if one.inputs is not None]
    paths = {one.inputs.path for one in prepared if one.inputs is not None}
    if len(paths) > 1:
        raise ParameterError(
            "trained sources must share one preparation of their inputs; got "
            f"{len(paths)} different ones: fit them with the same prepare=FrozenEstimator(...)"
        )
    return next(iter([*prepared, *pretrained]), None)


def prepare_inputs(
    method: PosesProblem,
    learnt: Sequence[tuple[Domain, Task | None]],
    pretrained: SourceNetwork | None,
) -> tuple[Preparation, Frozen | None, LabelledRows | None]:
    """Fit a preparation on all domains, or take over a pretrained network's.

    It learns from the labels of the first domain that has some; these are returned, too. A baseline
    without transfer takes over frozen layers alone, and fits a preparation of their kind anew.
    """
    above, network = None if pretrained is None else pretrained.inputs, method.network
    if above is not None and method.uses_source:
        return above.prepare, above.frozen, None
    rows = [domain.rows for domain, _ in learnt]
    bare = pretrained is not None and method.uses_source
    below = network.frozen if isinstance(network, Cut) else None
    chosen = method.prepare
    if network is None and above is not None and above.frozen is not None:
        below, chosen = above.frozen, chosen or above.prepare
    own = isinstance(network, nn.Module)
    named = builder_of(network, ()) if isinstance(network, (str, Builder)) else None
    if pretrained is not None and pretrained.builder is not None and network is None:
        named = pretrained.builder
    if named is not None and chosen is None and method.takes_network:
        chosen = named.preparation(rows)
    bare = bare and named is None
    chosen = chosen or method.choose_preparation(rows, user_network=own or bare)
    known = (labelled_rows(d, task) for d, task in learnt if task is not None and d.n_labelled)
    prepare, labels = fitted_to(rows, chosen, next(known, None))
    return prepare, below, labels


def fresh_network(
    method: PosesProblem, pretrained: SourceNetwork | None, shape: tuple[int, ...], task: Task
) -> Builder | nn.Module | None:
    """Return the builder of fresh networks; None where there is only a bare source.

    For transcription they are of frames.
    """
    own = method.network.rest if isinstance(method.network, Cut) else method.network
    mine = own is not None and (method.sources_in_turn or not method.uses_source)
    if pretrained is not None and pretrained.builder is not None and not mine:
        return pretrained.builder.untrained()  # fresh networks have random weights
    if pretrained is not None and pretrained.inputs is None and not method.uses_source and not own:
        return reset_copy(pretrained.model.body)
    if pretrained is not None and not mine:
        return pretrained.model.builder or (own if isinstance(own, nn.Module) else None)
    if own is None:
        return Listener() if task.ragged else method.choose_network(shape)
    found = own if isinstance(own, nn.Module) else builder_of(own, shape)
    if isinstance(found, Builder) and found.frames_in(shape) != task.ragged:
        raise ParameterError(
            "network must give features of each frame, as Listener does, for transcripts, and of "
            f"each row for other labels; got {type(found).__name__} for a {task.kind}"
        )
    return found


def posed_source(
    part: Domain | SourceNetwork,
    own: Task | None,
    inputs: Inputs,
    labels: LabelledRows | None,
    recipe: Recipe,
) -> SourceOf:
    """Prepare one source, as data or as a network on rows as they come here."""
    if isinstance(part, SourceNetwork):
        if part.inputs is not None:
            return part
        if part.builder is not None:
            body = inputs.under(part.builder.build(inputs.shape))
            return replace(part, model=Model(body, nn.Identity()))
        (network,) = part.model.body.children()  # a bare one: the preparation is put below it
        return SourceNetwork(Model(inputs.under(as_body(network, inputs.shape)), part.model.head))
    rows, digest = inputs.ready(part.rows, labels), _digest(part)
    if own is None:
        return Unlabelled(Data.of(part, rows, torch.zeros(part.n_rows)), digest)
    return Labelled(inputs.data(part, rows, own, recipe), own, digest)


def _digest(source: Domain) -> Callable[[], str] | None:
    """Return the source's digest, to be asked for; None where models of it are not kept."""
    if active() is None and source.n_rows * source.rows.row_bytes > KEPT_BYTES:
        return None
    return lambda: source.digest
