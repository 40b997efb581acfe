"""Targets whose labels are known: a source that is left out, or a half of one that is shifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np
from scipy.special import expit, logit
from sklearn.decomposition import PCA

from fourfold.core.folds import make_splits
from fourfold.data.rows import SparseRows, as_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.data.rows import Index
    from fourfold.preparation.base import Preparation

__all__ = ["Shift", "shifts_of"]

FEWEST: Final = 100
"""Labelled rows of a source of which tests are made."""
MOST: Final = 4000
"""Rows of a source in a test, at most."""
RARER: Final = 4
"""Times that half of the classes are rarer in a target with other shares."""
SLOPE: Final = 2.0
"""Change of the log-odds to be in the target with a standard deviation along the main axis."""
CONTRAST: Final = 0.5
"""Contrast of a target of another style."""
BRIGHTNESS: Final = 0.7
"""Place of what is lost of the range below the values of a target of another style."""


@final
class Shift(NamedTuple):
    """Sources and a target whose labels are known, and the difference between them in words."""

    name: str
    sources: list[Domain]
    target: Domain


def shifts_of(
    sources: Sequence[Domain], preparation: Preparation, *, stratified: bool
) -> Iterator[Shift]:
    """Yield tests: each of several sources is left out, or one source is halved and shifted.

    The halves, which divide no group, differ in the shares of classes or numbers, along the main
    axis of the inputs, and, where these are plain numbers, in contrast and brightness.
    """
    known = [source for source in sources if source.n_labelled >= FEWEST]
    known = [one.subset(np.flatnonzero(one.labelled)).drawn(MOST) for one in known]
    if len(known) > 1:
        for i, target in enumerate(known):
            yield Shift(f"{target.name or f'source {i + 1}'} left out", _without(known, i), target)
        return
    if not known:
        return
    (whole,) = known
    dependence = whole.annotations.dependence
    *_, (learnt, held) = make_splits(whole.known, 2, 0, stratified=stratified, **dependence)
    one, other = whole.subset(learnt), whole.subset(held)
    yield Shift("other shares", [one], other.subset(_other_shares(other, stratified=stratified)))
    place = _along_main_axis(whole, preparation)
    near, far = _drawn(-SLOPE * place[learnt]), _drawn(SLOPE * place[held])
    yield Shift("other inputs", [one.subset(near)], other.subset(far))
    if other.rows.kind == "array":
        yield Shift("another style", [one], _restyled(other))


def _without(domains: Sequence[Domain], i: int) -> list[Domain]:
    return [one for j, one in enumerate(domains) if j != i]


def _other_shares(domain: Domain, *, stratified: bool) -> Index:
    """Draw rows so that every second class, or the upper half of the numbers, is rarer."""
    y = domain.known if domain.known.ndim == 1 else domain.known[:, 0]
    rare = np.unique(y, return_inverse=True)[1] % 2 == 1 if stratified else y > np.median(y)
    return _drawn(np.where(rare, logit(1 / RARER), np.inf))


def _along_main_axis(domain: Domain, preparation: Preparation) -> NDArray[np.float64]:
    """Return the places (n,) of rows on the main axis of their inputs, of mean 0 and spread 1."""
    ready = preparation.transform(domain.rows)
    x = ready.matrix if isinstance(ready, SparseRows) else ready.take(np.arange(ready.n))
    x = x.reshape(ready.n, -1) if isinstance(x, np.ndarray) else x
    place = PCA(1, svd_solver="arpack", random_state=0).fit_transform(x)[:, 0].astype(np.float64)
    return np.asarray(place / max(place.std(), 1e-9))


def _drawn(log_odds: NDArray[np.float64]) -> Index:
    """Draw positions of rows, each by its log-odds to be drawn."""
    return np.flatnonzero(np.random.default_rng(0).random(len(log_odds)) < expit(log_odds))


def _restyled(domain: Domain) -> Domain:
    """Change contrast and brightness of all numbers."""
    x = domain.rows.take(np.arange(domain.n_rows))
    low, high = float(x.min()), float(x.max())
    changed = low + CONTRAST * (x - low) + BRIGHTNESS * (1 - CONTRAST) * (high - low)
    return domain.with_rows(as_rows(changed.astype(x.dtype)))
