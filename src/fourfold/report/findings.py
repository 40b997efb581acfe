"""Charts and tables of the findings of methods: lines, bars, heat maps and named values."""

from __future__ import annotations

import itertools
import math
from html import escape
from typing import TYPE_CHECKING, Any, Final

from plotly import graph_objects as go

from fourfold.core.findings import Bars, Curves, Facts, HeatMap
from fourfold.report.charts import MOST_TICKS, SHADES, Chart, axis, layout, names_axis, spec, tick
from fourfold.report.points import PALETTE
from fourfold.report.words import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.core.findings import Finding
    from fourfold.study.leaderboard import LeaderboardRow

__all__ = ["findings_by_method", "panel"]

HEIGHT: Final = 300
"""Height of a line chart in pixels."""
NAME_SHARE: Final = 0.09
"""Share of that height between the names of two lines."""
BAR_NAME: Final = 30
"""Longest name of a bar, in characters."""
SLANTS: Final = [0, -45]
"""Angles of names below a chart; the second if they are too long for the first."""


def findings_by_method(lines: Sequence[LeaderboardRow]) -> dict[str, list[Chart | Facts]]:
    """Draw the findings of every method that has any: its name → their charts, in order."""
    return {line.method: [*map(panel, line.findings)] for line in lines if line.findings}


def panel(finding: Finding) -> Chart | Facts:
    """Draw one finding; named values remain as they are."""
    if isinstance(finding, Facts):
        return finding
    if isinstance(finding, Bars):
        return _bars(finding)
    return _heat_map(finding) if isinstance(finding, HeatMap) else _curves(finding)


def _curves(curves: Curves) -> Chart:
    """Draw lines in different colours, each with its name at its end."""
    n = len(curves.x)
    finite = [y for ys in curves.lines.values() for y in ys if math.isfinite(y)] or [0.0, 1.0]
    spread = (max(finite) - min(finite)) or 1.0
    low, high = min(finite) - 0.06 * spread, max(finite) + 0.06 * spread
    ends = {name: _last(ys) for name, ys in curves.lines.items()}
    heights = _spaced({name: ys for name, (_, ys) in ends.items()}, NAME_SHARE * (high - low))
    top = max([high, *(y + 0.03 * spread for y in heights.values())])
    longest = max((len(tick(name)) for name in curves.lines), default=0)
    figure = go.Figure(layout=layout(
        HEIGHT,
        xaxis=names_axis(
            escape(curves.across), curves.x, range=[-0.3, n - 1 + 0.08 * n], autotickangles=SLANTS
        ),
        yaxis=axis(escape(curves.up), range=[min([low, *heights.values()]), top], nticks=6),
    ))  # fmt: skip
    figure.update_layout(margin={"r": 16 + 8 * longest})
    for (name, ys), colour in zip(curves.lines.items(), itertools.cycle(PALETTE), strict=False):
        _add_line(figure, name, ys, colour, curves.x)
        if name in heights:
            _add_name(figure, name, ends[name], (n - 1 + 0.06 * n, heights[name]), colour)
    values = "; ".join(f"{name} ends at {number(y)}" for name, (_, y) in ends.items())
    label = f"{curves.title}, {curves.up} by {curves.across}: {values}."
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
    """Write the name of a line beside the chart, with a dotted lead from its end."""
    figure.add_scatter(
        x=[end[0], place[0]], y=[end[1], place[1]], mode="lines+text", text=["", tick(name)],
        textposition="middle right", textfont={"size": 14}, cliponaxis=False, hoverinfo="skip",
        line={"width": 1, "color": colour, "dash": "dot"},
    )  # fmt: skip


def _last(ys: Sequence[float]) -> tuple[int, float]:
    """Return the last finite point of a line; its end and NaN without any."""
    known = [(i, y) for i, y in enumerate(ys) if math.isfinite(y)]
    return known[-1] if known else (len(ys) - 1, math.nan)


def _spaced(heights: dict[str, float], gap: float) -> dict[str, float]:
    """Move heights up until any two are at least a gap apart."""
    spaced: dict[str, float] = {}
    lowest = -math.inf
    for name, y in sorted(heights.items(), key=lambda item: item[1]):
        if math.isfinite(y):
            spaced[name] = max(y, lowest)
            lowest = spaced[name] + gap
    return spaced


def _heat_map(finding: HeatMap) -> Chart:
    """Draw a table of numbers, with stronger colours for larger ones."""
    known = [v for row in finding.values for v in row if math.isfinite(v)] or [0.0]
    texts = [[number(v, 2) if math.isfinite(v) else "" for v in row] for row in finding.values]
    hover = [
        [f"{escape(row)}, {escape(column)}: {number(value)}"
         for column, value in zip(finding.columns, values, strict=True)]
        for row, values in zip(finding.rows, finding.values, strict=True)
    ]  # fmt: skip
    few = max(len(finding.rows), len(finding.columns)) <= MOST_TICKS
    figure = go.Figure(layout=layout(
        min(620, max(200, 36 * len(finding.rows) + 110)),
        xaxis=names_axis(escape(finding.across), finding.columns, autotickangles=SLANTS),
        yaxis=names_axis(escape(finding.down), finding.rows, autorange="reversed"),
    ))  # fmt: skip
    figure.add_heatmap(
        z=finding.values, zmin=min(0.0, *known), zmax=max(0.0, *known) or 1.0, showscale=False,
        xgap=1, ygap=1, hovertext=hover, text=texts, texttemplate="%{text}" if few else None,
        textfont={"size": 14}, colorscale=SHADES, hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    label = (
        f"{finding.title}: {finding.down} against {finding.across}, "
        f"from {number(min(known))} to {number(max(known))}."
    )
    return Chart(finding.title, label, spec(figure), _width(finding, texts if few else []))


def _bars(finding: Bars) -> Chart:
    """Draw horizontal bars with their numbers, the first on top."""
    finite = [value for value in finding.values if math.isfinite(value)] or [0.0]
    low, high = min(0.0, *finite), max(0.0, *finite)
    room = 0.18 * ((high - low) or 1.0)  # for the numbers beside the bars
    figure = go.Figure(layout=layout(
        max(160, 30 * len(finding.names) + 70 + 20 * len(finding.across.split("; "))),
        xaxis=axis(
            escape(finding.across).replace("; ", "<br>"),
            range=[low - room * (low < 0), high + room * (high > 0)],
            nticks=6, zeroline=True, zerolinewidth=1,
        ),
        yaxis=names_axis("", finding.names, longest=BAR_NAME, autorange="reversed"),
    ))  # fmt: skip
    hover = [
        f"{escape(name)}: {number(value)}<br>{escape(note)}"
        for name, value, note in zip(finding.names, finding.values, finding.notes, strict=True)
    ]
    figure.add_bar(
        x=list(finding.values), y=list(range(len(finding.values))), orientation="h",
        marker={"color": [PALETTE[0] if value >= 0 else PALETTE[1] for value in finding.values]},
        text=[number(value, 2) for value in finding.values], textposition="outside",
        textfont={"size": 14}, cliponaxis=False, hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    bars = zip(finding.names, finding.values, finding.notes, strict=True)
    values = "; ".join(f"{name} {number(value)} ({note})" for name, value, note in bars)
    longest = max((len(tick(name, BAR_NAME)) for name in finding.names), default=0)
    label = f"{finding.title}, {finding.across}: {values}."
    return Chart(finding.title, label, spec(figure), width=260 + 8 * longest)


def _width(finding: HeatMap, texts: list[list[Any]]) -> int:
    """Estimate the width of names and numbers in pixels, at 8 or 9 per character."""
    digits = max((len(text) for row in texts for text in row), default=0)
    names = max((len(tick(name)) for name in finding.rows), default=0)
    return 60 + 8 * names + max(120, len(finding.columns) * (9 * digits + 4))
