"""Differences between the inputs of domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.data.rows import FrameRows, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.data.domain import Domain

__all__ = ["input_difference"]


def input_difference(domains: Mapping[str, Domain]) -> str:
    """Describe the first difference in kind between the inputs of named domains; "" if none.

    Examples
    --------
    >>> import numpy as np
    >>> from fourfold import Domain
    >>> input_difference({"a": Domain(np.eye(3)), "b": Domain(np.ones((5, 2)))})
    "rows of shape (3,) in 'a' and rows of shape (2,) in 'b'"
    """
    (first, one), *others = ((name, _inputs(domain.rows)) for name, domain in domains.items())
    for name, other in others:
        if other != one:
            return f"{one} in {first!r} and {other} in {name!r}"
    return ""


def _inputs(rows: Rows) -> str:
    if isinstance(rows, FrameRows):
        return f"columns {', '.join(sorted(map(str, rows.frame.columns)))}"
    if rows.spoken:
        return f"speech of {rows.shape[0]} bands"
    return "texts" if rows.kind == "texts" else f"rows of shape {rows.shape}"
