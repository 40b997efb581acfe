"""Settlement of data frames: one schema over all domains that are used together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fourfold.data.rows import FrameRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain

__all__ = ["settle_tables"]


def settle_tables(domains: Sequence[Domain]) -> list[Domain]:
    """Read the tables among domains that have no schema yet, those of the same columns together.

    Raises
    ------
    DataError
        If a column cannot be used.
    """
    open_ = [d for d in domains if d.rows.kind == "table" and d.rows.columns is None]
    groups: dict[frozenset[object], list[Domain]] = {}
    frames = {id(domain): domain.rows.take(np.arange(domain.n_rows)) for domain in open_}
    for domain in open_:
        groups.setdefault(frozenset(frames[id(domain)].columns), []).append(domain)
    read: dict[int, Domain] = {}
    for group in groups.values():
        from fourfold.data.schema import Hints, as_pile, read_piles

        named = [(one, one.name or f"table {at}") for at, one in enumerate(group, 1)]
        piles = [as_pile(frames[id(one)], name) for one, name in named]
        schema, parts = read_piles(piles, Hints())
        for domain, part in zip(group, parts, strict=True):
            read[id(domain)] = domain.with_rows(FrameRows(part.frame, schema.kept_columns), schema)
    return [read.get(id(domain), domain) for domain in domains]
