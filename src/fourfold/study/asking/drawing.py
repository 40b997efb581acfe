"""Rows of a large source that a study learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain

__all__ = ["draw_rows"]


def draw_rows(sources: Sequence[Domain], most: int) -> tuple[list[Domain], list[str]]:
    """Draw rows of tables and vectors by content, a like share of each source; note it."""
    total = sum(source.n_rows for source in sources)
    if total <= most or any(len(source.rows.shape) > 1 for source in sources):
        return list(sources), []
    shares = [round(most * source.n_rows / total) for source in sources]
    pairs = zip(sources, shares, strict=True)
    drawn = [source.drawn(max(1, share)) for source, share in pairs]
    n = sum(source.n_rows for source in drawn)
    said = (
        f"Of {counted(total, 'row')} of the source {n:,} are learnt from, drawn by their content "
        "(max_source_rows, --max-source-rows)."
    )
    return drawn, [said]
