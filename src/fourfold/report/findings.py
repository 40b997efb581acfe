"""What methods found out beside their models, drawn: lines, bars, heat maps and named values."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final, Self, final

from plotly import graph_objects as go

from fourfold.core.findings import Bars, Curves, Facts, HeatMap
from fourfold.report.charts import (
    MOST_TICKS,
    SHADES,
    Chart,
    axis,
    layout,
    names_axis,
    spec,
    tick,
)
from fourfold.report.points import PALETTE
from fourfold.report.words import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.core.findings import Finding
    from fourfold.study.leaderboard import LeaderboardRow

__all__ = ["Found", "Panel", "found", "panel"]

HEIGHT: Final = 300
"""Pixels of a chart of lines."""
NAME_SHARE: Final = 0.09
"""How much of that height a line's name needs, so that none lies on another."""
BAR_NAME: Final = 30
"""Characters of a bar's name, at most."""
SLANTS: Final = [0, -45]
"""Of names below a chart, the second where they would not stand side by side."""


@final
@dataclass(frozen=True)
class Panel:
    """One finding on the page: a chart, or named values.

    Attributes
    ----------
    title
        What it shows.
    chart
        None for named values.
    facts
        Name → value; empty for a chart.
    """

    title: str
    chart: Chart | None
    facts: dict[str, str]


@final
@dataclass(frozen=True)
class Found:
    """All that one method found out.

    Attributes
    ----------
    method
        Its name on the leaderboard.
    panels
        One a finding, in the method's order.
    """

    method: str
    panels: list[Panel]

    @classmethod
    def of(cls, line: LeaderboardRow) -> Self:
        """Draw a method's findings."""
        return cls(line.method, [panel(finding) for finding in line.findings])


def found(lines: Sequence[LeaderboardRow]) -> list[Found]:
    """Draw what each method found out, those that found nothing left out."""
    return [Found.of(line) for line in lines if line.findings]


def panel(finding: Finding) -> Panel:
    """Draw one finding."""
    if isinstance(finding, Facts):
        return Panel(finding.title, None, finding.values)
    if isinstance(finding, Bars):
        return Panel(finding.title, _bars(finding), {})
    chart = _heat_map(finding) if isinstance(finding, HeatMap) else _curves(finding)
    return Panel(finding.title, chart, {})


def _curves(curves: Curves) -> Chart:
    """Draw lines in colours of their own, each with its name at its end."""
    n = len(curves.x)
    finite = [y for ys in curves.lines.values() for y in ys if math.isfinite(y)] or [0.0, 1.0]
    reach = (max(finite) - min(finite)) or 1.0
    low, high = min(finite) - 0.06 * reach, max(finite) + 0.06 * reach
    ends = {name: _last(ys) for name, ys in curves.lines.items()}
    places = _apart({name: ys for name, (_, ys) in ends.items()}, NAME_SHARE * (high - low))
    top = max([high, *(y + 0.03 * reach for y in places.values())])
    longest = max((len(tick(name)) for name in curves.lines), default=0)
    figure = go.Figure(layout=layout(
        HEIGHT,
        xaxis=names_axis(
            escape(curves.across), curves.x, range=[-0.3, n - 1 + 0.08 * n], autotickangles=SLANTS
        ),
        yaxis=axis(escape(curves.up), range=[min([low, *places.values()]), top], nticks=6),
    ))  # fmt: skip
    figure.update_layout(margin={"r": 16 + 8 * longest})
    for (name, ys), colour in zip(curves.lines.items(), itertools.cycle(PALETTE), strict=False):
        _add_line(figure, name, ys, colour, curves.x)
        if name in places:
            _add_name(figure, name, ends[name], (n - 1 + 0.06 * n, places[name]), colour)
    said = "; ".join(f"{name} ends at {number(y)}" for name, (_, y) in ends.items())
    label = f"{curves.title}, {curves.up} by {curves.across}: {said}."
    return Chart(curves.title, label, spec(figure), width=60 + 8 * longest + 14 * min(n, 12))


def _add_line(
    figure: go.Figure, name: str, ys: Sequence[float], colour: str, x: Sequence[str]
) -> None:
    hover = [f"{escape(name)}, {escape(at)}: {number(y)}" for at, y in zip(x, ys, strict=True)]
    figure.add_scatter(
        x=list(range(len(ys))), y=list(ys), mode="lines+markers", hovertext=hover,
        line={"width": 2.5, "color": colour}, marker={"size": 6},
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip


def _add_name(
    figure: go.Figure, name: str, end: tuple[int, float], place: tuple[float, float], colour: str
) -> None:
    """Write a name beside the chart, and lead the eye there from the end of its line."""
    figure.add_scatter(
        x=[end[0], place[0]], y=[end[1], place[1]], mode="lines+text", text=["", tick(name)],
        textposition="middle right", textfont={"size": 14}, cliponaxis=False, hoverinfo="skip",
        line={"width": 1, "color": colour, "dash": "dot"},
    )  # fmt: skip


def _last(ys: Sequence[float]) -> tuple[int, float]:
    """Return a line's last place and height that are known; its end and NaN without any."""
    known = [(i, y) for i, y in enumerate(ys) if math.isfinite(y)]
    return known[-1] if known else (len(ys) - 1, math.nan)


def _apart(heights: dict[str, float], gap: float) -> dict[str, float]:
    """Move heights up, as little as it takes for none to come nearer than a gap to another."""
    places: dict[str, float] = {}
    lowest = -math.inf
    for name, y in sorted(heights.items(), key=lambda item: item[1]):
        if math.isfinite(y):
            places[name] = max(y, lowest)
            lowest = places[name] + gap
    return places


def _heat_map(found: HeatMap) -> Chart:
    """Draw a table of numbers, the larger the stronger the colour."""
    known = [v for row in found.values for v in row if math.isfinite(v)] or [0.0]
    texts = [[number(v, 2) if math.isfinite(v) else "" for v in row] for row in found.values]
    hover = [
        [f"{escape(row)}, {escape(column)}: {number(value)}"
         for column, value in zip(found.columns, values, strict=True)]
        for row, values in zip(found.rows, found.values, strict=True)
    ]  # fmt: skip
    few = max(len(found.rows), len(found.columns)) <= MOST_TICKS
    figure = go.Figure(layout=layout(
        min(620, max(200, 36 * len(found.rows) + 110)),
        xaxis=names_axis(escape(found.across), found.columns, autotickangles=SLANTS),
        yaxis=names_axis(escape(found.down), found.rows, autorange="reversed"),
    ))  # fmt: skip
    figure.add_heatmap(
        z=found.values, zmin=min(0.0, *known), zmax=max(0.0, *known) or 1.0, showscale=False,
        xgap=1, ygap=1, hovertext=hover, text=texts, texttemplate="%{text}" if few else None,
        textfont={"size": 14}, colorscale=SHADES, hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    label = (
        f"{found.title}: {found.down} against {found.across}, "
        f"from {number(min(known))} to {number(max(known))}."
    )
    return Chart(found.title, label, spec(figure), _width(found, texts if few else []))


def _bars(found: Bars) -> Chart:
    """Draw amounts as bars from the left or to it, the first on top, each with its number."""
    finite = [value for value in found.values if math.isfinite(value)] or [0.0]
    low, high = min(0.0, *finite), max(0.0, *finite)
    room = 0.18 * ((high - low) or 1.0)  # for a number beside its bar
    figure = go.Figure(layout=layout(
        max(160, 30 * len(found.names) + 70 + 20 * len(found.across.split("; "))),
        xaxis=axis(
            escape(found.across).replace("; ", "<br>"),
            range=[low - room * (low < 0), high + room * (high > 0)],
            nticks=6, zeroline=True, zerolinewidth=1,
        ),
        yaxis=names_axis("", found.names, longest=BAR_NAME, autorange="reversed"),
    ))  # fmt: skip
    hover = [
        f"{escape(name)}: {number(value)}<br>{escape(note)}"
        for name, value, note in zip(found.names, found.values, found.notes, strict=True)
    ]
    figure.add_bar(
        x=list(found.values), y=list(range(len(found.values))), orientation="h",
        marker={"color": [PALETTE[0] if value >= 0 else PALETTE[1] for value in found.values]},
        text=[number(value, 2) for value in found.values], textposition="outside",
        textfont={"size": 14}, cliponaxis=False, hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    listed = zip(found.names, found.values, found.notes, strict=True)
    said = "; ".join(f"{name} {number(value)} ({note})" for name, value, note in listed)
    longest = max((len(tick(name, BAR_NAME)) for name in found.names), default=0)
    label = f"{found.title}, {found.across}: {said}."
    return Chart(found.title, label, spec(figure), width=260 + 8 * longest)


def _width(found: HeatMap, texts: list[list[Any]]) -> int:
    """Estimate the pixels that names and numbers need, at 8 or 9 a character."""
    digits = max((len(text) for row in texts for text in row), default=0)
    names = max((len(tick(name)) for name in found.rows), default=0)
    return 60 + 8 * names + max(120, len(found.columns) * (9 * digits + 4))
