"""Prepared tables that a process keeps: many fits ask for the same rows, and for parts of them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import numpy as np

from fourfold.data.rows import FrameRows

if TYPE_CHECKING:
    from fourfold.data.rows import Rows
    from fourfold.preparation.base import Preparation

__all__ = ["prepared_once"]

MOST_BYTES: Final = 1 << 29
"""Bytes of one table, and of all that are kept."""

_kept: OrderedDict[tuple[str, str], tuple[Rows, int]] = OrderedDict()


def prepared_once(prepare: Preparation, rows: Rows, who: str) -> Rows:
    """Return rows as :meth:`Preparation.transform` does; rows of a table that is kept are taken.

    The rows of a subset are prepared with the whole.
    """
    if not isinstance(rows, FrameRows):
        return prepare.transform(rows, who)
    whole, places = rows.within
    size = 4 * whole.n * int(np.prod(prepare.shape_))
    if size > MOST_BYTES:
        return prepare.transform(rows, who)
    key = (prepare.digest, whole.digest)
    if key not in _kept:
        while _kept and size + sum(size for _, size in _kept.values()) > MOST_BYTES:
            _kept.popitem(last=False)
        _kept[key] = prepare.transform(whole, who), size
    _kept.move_to_end(key)
    found, _ = _kept[key]
    return found if whole is rows else found.subset(places)
