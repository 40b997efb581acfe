"""Prepared tables that a process keeps: many fits ask for the same rows, and for parts of them.

Where labels are learnt from, as mean labels of categories, a preparation is fitted to each part of
the labels; many fits ask for the same part.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.base import clone

from fourfold.data.rows import FrameRows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fourfold.data.rows import Rows
    from fourfold.preparation.base import Preparation
    from fourfold.preparation.tables.target_encoding import LabelledRows

__all__ = ["fitted_once", "out_of_fold_once", "prepared_once"]

MOST_BYTES: Final = 1 << 29
"""Bytes of one table, and of all that are kept."""

MOST_FITTED: Final = 16
"""Fitted preparations that are kept: a seed's folds, for trees and for lines."""

_kept: OrderedDict[tuple[str, ...], tuple[Rows, int]] = OrderedDict()
_fitted: OrderedDict[tuple[str, ...], Preparation] = OrderedDict()


def fitted_once(
    chosen: Preparation, rows: Sequence[Rows], labels: LabelledRows | None
) -> Preparation:
    """Fit a copy of a preparation to rows and labels; to tables that it was fitted to, only once.

    Returns
    -------
    Preparation
        That others may share.
    """
    fresh: Preparation = clone(chosen)
    if labels is None or not all(isinstance(part, FrameRows) for part in rows):
        return fresh.fit(*rows, labels=labels)
    key = (repr(chosen), *(part.digest for part in rows), labels.digest)
    if key not in _fitted:
        _fitted[key] = fresh.fit(*rows, labels=labels)
        if len(_fitted) > MOST_FITTED:
            _fitted.popitem(last=False)
    _fitted.move_to_end(key)
    return _fitted[key]


def prepared_once(prepare: Preparation, rows: Rows, who: str) -> Rows:
    """Return rows as :meth:`Preparation.transform` does; rows of a table that is kept are taken.

    The rows of a subset are prepared with the whole.
    """
    if not isinstance(rows, FrameRows):
        return prepare.transform(rows, who)
    whole, places = rows.within
    if _size(prepare, whole) > MOST_BYTES:
        return prepare.transform(rows, who)
    found = _once(prepare, whole, "", lambda: prepare.transform(whole, who))
    return found if whole is rows else found.subset(places)


def out_of_fold_once(prepare: Preparation, labels: LabelledRows, who: str) -> Rows:
    """Return labelled rows as :meth:`Preparation.out_of_fold` does, from a table that is kept."""
    rows = labels.rows
    if not isinstance(rows, FrameRows) or _size(prepare, rows) > MOST_BYTES:
        return prepare.out_of_fold(labels, who)
    return _once(prepare, rows, labels.digest, lambda: prepare.out_of_fold(labels, who))


def _size(prepare: Preparation, rows: Rows) -> int:
    """Return the bytes of prepared rows."""
    return 4 * rows.n * int(np.prod(prepare.shape_))


def _once(prepare: Preparation, rows: Rows, labels: str, compute: Callable[[], Rows]) -> Rows:
    """Return prepared rows, computed unless they are kept."""
    key, size = (prepare.digest, rows.digest, labels), _size(prepare, rows)
    if key not in _kept:
        while _kept and size + sum(size for _, size in _kept.values()) > MOST_BYTES:
            _kept.popitem(last=False)
        _kept[key] = compute(), size
    _kept.move_to_end(key)
    return _kept[key][0]
