"""Several domains as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fourfold.data.annotations import Annotations
from fourfold.data.domain import Domain
from fourfold.data.rows import StackedRows
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fourfold.data.descriptions import Descriptions

__all__ = ["in_one_order", "join_descriptions", "pool"]


def in_one_order(domains: Iterable[Domain]) -> list[Domain]:
    """Return domains in an order that does not depend on the given one."""
    return sorted(domains, key=lambda domain: domain.digest)


def pool(domains: Sequence[Domain]) -> Domain:
    """Pool several domains, such as all sources, into one; nothing large is copied.

    Their rows stand in an order that does not depend on the order of the domains.

    Raises
    ------
    DataError
        If their rows differ in shape, or their labels in kind.
    """
    if len(domains) == 1:
        return domains[0]
    name, classes = " + ".join(d.name for d in domains), join_descriptions(domains)
    domains = in_one_order(domains)
    whole = Domain(StackedRows([d.rows for d in domains]), name=name)
    labels = [d.y for d in domains if d.y is not None]
    if labels:
        if len({y.dtype.kind in "OU" for y in labels}) > 1:
            raise DataError("labels of all sources must be numbers, or all names; got both")
        width, dtype = labels[0].shape[1:], labels[0].dtype
        whole.y = np.concatenate(
            [np.zeros((d.n_rows, *width), dtype) if d.y is None else d.y for d in domains]
        )
        whole.labelled = np.concatenate([d.labelled for d in domains])
        whole.__dict__["measured"] = any(d.measured for d in domains)
    whole.classes, whole.schema = classes, domains[0].schema
    whole.annotations = Annotations.pooled(
        [d.annotations for d in domains], [d.n_rows for d in domains]
    )
    return whole


def join_descriptions(domains: Iterable[Domain]) -> Descriptions | None:
    """Join the descriptions of several domains.

    Where several domains describe a class, the first one counts.

    Raises
    ------
    DataError
        If the descriptions are of different kinds.
    """
    joined: Descriptions | None = None
    for one in (domain.classes for domain in domains if domain.classes is not None):
        joined = one if joined is None else joined.joined(one)
    return joined
