"""Picture of the arena: leads of shipped models over scripts and baselines, pair by pair."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from fourfold.core.atomic import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.arena.figures import Place

__all__ = ["draw", "write"]

WIDTH, LEFT, RIGHT, TOP, STEP = 760, 200, 30, 64, 17
"""Sizes in pixels; a step is the height of a pair."""
MOST: Final = 0.3
"""Lead at either end of the axis; what is beyond is drawn at the end."""
TICKS: Final = (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)
INK, PALE, OURS = "#222", "#ddd", "#0b6e99"


class Pair(NamedTuple):
    """Means over the budgets of a pair."""

    name: str
    group: str
    lead: float
    gain: float


def write(places: Sequence[Place], path: Path) -> None:
    """Write the picture as SVG, all or nothing."""
    with whole_file(path) as part:
        part.write_text(draw(places), "utf-8")


def draw(places: Sequence[Place]) -> str:
    """Return the picture as SVG: pairs by group, and in a group the largest lead first."""
    pairs = _pairs(places)
    height = TOP + STEP * (len(pairs) + len({pair.group for pair in pairs})) + 20
    parts = [*_frame(height), *_rows(pairs)]
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    style = f'font-family="sans-serif" font-size="11" fill="{INK}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
    return "\n".join([head, *parts, "</svg>\n"])


def _pairs(places: Sequence[Place]) -> list[Pair]:
    """Average the budgets of each pair."""
    by_pair: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        by_pair[place.name.rpartition("/")[0]].append(place)
    pairs = [
        Pair(name, own[0].group, _mean([p.lead for p in own]), _mean([p.gain for p in own]))
        for name, own in by_pair.items()
    ]
    groups = list(dict.fromkeys(pair.group for pair in pairs))
    return sorted(pairs, key=lambda pair: (groups.index(pair.group), -pair.lead))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _frame(height: int) -> Iterator[str]:
    """Draw the ground, the axis and the legend."""
    yield f'<rect width="{WIDTH}" height="{height}" rx="6" fill="white"/>'
    yield f'<circle cx="{LEFT}" cy="18" r="4.5" fill="{OURS}"/>'
    yield f'<text x="{LEFT + 10}" y="22">shipped model − best script</text>'
    yield f'<circle cx="{LEFT + 200}" cy="18" r="4" fill="none" stroke="{INK}"/>'
    yield f'<text x="{LEFT + 210}" y="22">shipped model − best baseline</text>'
    for tick in TICKS:
        x, colour, said = _x(tick), PALE if tick else INK, f"{tick:+.1f}" if tick else "0"
        yield f'<line x1="{x}" x2="{x}" y1="{TOP - 14}" y2="{height - 14}" stroke="{colour}"/>'
        yield f'<text x="{x}" y="{TOP - 19}" text-anchor="middle">{said}</text>'


def _rows(pairs: Sequence[Pair]) -> Iterator[str]:
    """Draw a heading for each group, and a line for each pair."""
    y, group = TOP, ""
    for pair in pairs:
        if pair.group != group:
            group, y = pair.group, y + STEP
            yield f'<text x="12" y="{y - STEP + 4}" font-weight="bold">{escape(group)}</text>'
        yield f'<text x="{LEFT - 14}" y="{y + 4}" text-anchor="end">{escape(pair.name)}</text>'
        yield f'<circle cx="{_x(pair.gain)}" cy="{y}" r="4" fill="none" stroke="{INK}"/>'
        yield f'<circle cx="{_x(pair.lead)}" cy="{y}" r="4.5" fill="{OURS}"/>'
        y += STEP


def _x(lead: float) -> float:
    """Return the place of a lead on the axis."""
    share = (min(max(lead, -MOST), MOST) + MOST) / (2 * MOST)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)
