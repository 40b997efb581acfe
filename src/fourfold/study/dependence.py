"""Dependence of domains: groups that several of them have rows of, and rows that come too early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fourfold.data.kinds import called

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.data.rows import Index

__all__ = ["earlier_rows", "group_names", "later_rows", "rows_of_groups", "without_groups"]


def group_names(domain: Domain, index: Index | NDArray[np.bool_]) -> set[Any]:
    """Return the names of the groups of some rows; empty without groups."""
    groups = domain.annotations.groups
    return set() if groups is None else set(groups[index].tolist()) - {None}


def _of_groups(domain: Domain, names: set[Any]) -> NDArray[np.bool_]:
    """Return whether each labelled row is of one of these groups, (n,); other rows are of none."""
    groups = domain.annotations.groups
    if groups is None or not names:
        return np.zeros(domain.n_rows, bool)
    return np.array([name in names for name in groups.tolist()], bool) & domain.labelled


def rows_of_groups(
    asked: Domain, learnt: Mapping[str, Sequence[Domain]]
) -> tuple[Index, tuple[str, ...]]:
    """Return the labelled rows of groups that others have labelled rows of, and roles of these."""
    hits = {
        role: _of_groups(asked, {g for one in domains for g in group_names(one, one.labelled)})
        for role, domains in learnt.items()
    }
    rows = np.flatnonzero(np.any([*hits.values()], axis=0))
    return rows, tuple(role for role, hit in hits.items() if hit.any())


def without_groups(source: Domain, names: set[Any]) -> Domain:
    """Return a source without its labelled rows of some groups; whole if it would lose a class."""
    known = _of_groups(source, names)
    if not known.any():
        return source
    left = source.subset(np.flatnonzero(~known))
    whole = source.measured or len(left.counts) == len(source.counts)
    return left if left.n_labelled and whole else source


def earlier_rows(asked: Domain, learnt: Iterable[Domain]) -> Index:
    """Return the labelled rows before the last labelled row of others; none without times."""
    moments = [one.annotations.time[one.labelled] for one in _timed(learnt)]
    time = asked.annotations.time
    if time is None or not moments:
        return np.empty(0, np.intp)
    return np.flatnonzero(asked.labelled & (time < max(map(np.max, moments))))


def later_rows(moment: float, sources: Iterable[Domain]) -> list[str]:
    """List the sources with labelled rows that come after a row to judge, a sentence each."""
    said = []
    for one in _timed(sources):
        known = one.annotations.time[one.labelled]
        if late := int((known > moment).sum()):
            said.append(
                f"{late} of {len(known)} labelled rows of {called(one)} are later than the first "
                "row to judge: what they teach was not known then."
            )
    return said


def _timed(domains: Iterable[Domain]) -> list[Any]:
    """Return the domains with labels and times."""
    return [one for one in domains if one.n_labelled and one.annotations.time is not None]
