"""Learning curves, the confusion matrix and the most frequent confusions.

Colours of text and grids come from the style sheet of the page, so that charts follow light, dark
and print; only colours with a meaning are set here. All text from the data is escaped, because
Plotly renders some HTML in labels.
"""

from __future__ import annotations

import json
from html import escape
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from plotly import graph_objects as go

from fourfold.report.words import number, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.study.leaderboard import LeaderboardRow

__all__ = [
    "BLUE",
    "FONT",
    "MOST_TICKS",
    "SHADES",
    "Chart",
    "Confused",
    "axis",
    "confusion_chart",
    "layout",
    "learning_curves",
    "most_confused",
    "names_axis",
    "spec",
    "tick",
]

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
BLUE: Final = "#2b7bba"
SHADES: Final = [[0, "rgba(43,123,186,0.04)"], [1, "rgba(43,123,186,0.8)"]]
"""Colours of cells, light enough for text in light and in dark."""
MOST_TICKS: Final = 20
"""Largest number of names on an axis, and of rows or columns with numbers in their cells."""
LONGEST_TICK: Final = 14


class Chart(NamedTuple):
    """A chart on the page.

    Attributes
    ----------
    title
        Title above the chart.
    label
        Description for screen readers.
    figure
        ``data`` and ``layout`` for Plotly.
    width
        Least width in pixels; a narrower screen scrolls the chart in its own box.
    """

    title: str
    label: str
    figure: dict[str, Any]
    width: int = 0


def spec(figure: go.Figure) -> dict[str, Any]:
    """Convert a figure to plain values, with None for NaN."""
    plain: dict[str, Any] = json.loads(figure.to_json())
    return plain


def layout(height: int, **more: Any) -> go.Layout:
    """Return the common layout: no frame, no background, labels never cut off."""
    return go.Layout(
        template=None,
        height=height,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 14},
        hoverlabel={"bgcolor": "#1f252c", "font": {"color": "#ffffff", "size": 14}},
        showlegend=False,
        dragmode=False,  # a finger on a chart scrolls the page
        **more,
    )


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """Return an axis with a faint grid and room for its labels."""
    return {
        "title": {"text": title, "standoff": 8, "font": {"size": 14}},
        "automargin": True,
        "zeroline": False,
        "fixedrange": True,
        "gridcolor": "rgba(128,128,128,0.25)",
        **more,
    }


def learning_curves(lines: Sequence[LeaderboardRow]) -> list[Chart]:
    """Draw the training loss of each method: thin lines for the seeds, a thick one for the mean."""
    return [_curve(line) for line in lines if any(line.losses)]


def _curve(line: LeaderboardRow) -> Chart:
    seeds = [losses for losses in line.losses if losses]
    common = min(map(len, seeds))  # seeds may stop early, at different epochs
    mean = [fmean(losses[epoch] for losses in seeds) for epoch in range(common)]
    figure = go.Figure(layout=layout(220, xaxis=_epochs(seeds), yaxis=axis("training loss")))
    for i, losses in enumerate(seeds, start=1):
        figure.add_scatter(
            x=list(range(1, len(losses) + 1)), y=losses, mode=_mode(losses), opacity=0.6,
            line={"width": 1, "color": BLUE}, marker={"size": 5},
            hovertemplate=f"seed {i}, epoch %{{x}}: %{{y:.4g}}<extra></extra>",
        )  # fmt: skip
    if len(seeds) > 1:
        figure.add_scatter(
            x=list(range(1, common + 1)), y=mean, mode=_mode(mean),
            line={"width": 3, "color": BLUE},
            hovertemplate="mean, epoch %{x}: %{y:.4g}<extra></extra>",
        )  # fmt: skip
    label = (
        f"Training loss of {line.method}, {len(seeds)} seeds: on average "
        f"{number(mean[0])} after the first epoch, {number(mean[-1])} after epoch {common}."
    )
    return Chart(line.method, label, spec(figure))


def _mode(values: Sequence[float]) -> str:
    return "lines" if len(values) > 1 else "markers"  # a line of one point is invisible


def _epochs(seeds: Sequence[Sequence[float]]) -> dict[str, Any]:
    longest = max(map(len, seeds))
    step = {"dtick": 1} if longest <= 6 else {"nticks": 6}
    return axis("epoch", tickformat="d", showgrid=False, **step)


def confusion_chart(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> Chart | None:
    """Draw true against predicted classes, shaded by the share of the true class.

    Parameters
    ----------
    classes
        K names.
    confusion
        (K, K) counts, true × predicted; empty for no chart.
    """
    if not confusion:
        return None
    k = len(classes)
    names = [escape(name) for name in classes]
    shares = [[cell / max(1, sum(row)) for cell in row] for row in confusion]
    hover = [
        [f"true {names[i]}, predicted {names[j]}: {cell} rows" for j, cell in enumerate(row)]
        for i, row in enumerate(confusion)
    ]
    figure = go.Figure(layout=layout(
        min(620, max(280, 32 * k + 120)),
        xaxis=names_axis("predicted", classes, tickangle=-45 if max(map(len, classes)) > 3 else 0),
        yaxis=names_axis("true", classes, autorange="reversed"),
    ))  # fmt: skip
    figure.add_heatmap(
        z=shares, zmin=0, zmax=1, showscale=False, xgap=1, ygap=1, hovertext=hover, text=confusion,
        texttemplate="%{text}" if k <= MOST_TICKS else None, textfont={"size": 14},
        colorscale=SHADES, hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    right = sum(confusion[i][i] for i in range(k))
    label = (
        f"Confusion matrix of {k} classes: {right} of {sum(map(sum, confusion))} rows are right."
    )
    return Chart("Confusion matrix", label, spec(figure), _width(classes, confusion))


class Confused(NamedTuple):
    """A class predicted as another: number of such rows, and percentage of the true class."""

    truth: str
    guess: str
    rows: int
    share: float


def most_confused(
    classes: Sequence[str], confusion: Sequence[Sequence[int]], most: int = 5
) -> list[Confused]:
    """Return the most frequent confusions among (K, K) counts, true × predicted."""
    found = [
        Confused(classes[i], classes[j], rows, 100 * rows / sum(row))
        for i, row in enumerate(confusion)
        for j, rows in enumerate(row)
        if i != j and rows
    ]
    return sorted(found, key=lambda confused: -confused.rows)[:most]


def _width(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> int:
    """Estimate the width of labels and counts in pixels, at 8 or 9 per character."""
    longest = min(LONGEST_TICK, max(map(len, classes)))
    digits = len(str(max(map(max, confusion))))
    cells = len(classes) * (9 * digits + 2) if len(classes) <= MOST_TICKS else 240
    return 50 + 8 * longest + cells


def names_axis(
    title: str, names: Sequence[str], *, longest: int = LONGEST_TICK, **more: Any
) -> dict[str, Any]:
    """Return an axis of evenly spaced names, with every name or every k-th."""
    every = -(-len(names) // MOST_TICKS)
    shown = range(0, len(names), every)
    texts = [tick(names[i], longest) for i in shown]
    return axis(
        title, tickvals=list(shown), ticktext=texts, showgrid=False,
        ticks="outside", ticklen=5, tickcolor="rgba(0,0,0,0)", **more,
    )  # fmt: skip


def tick(name: str, longest: int = LONGEST_TICK) -> str:
    """Return a name for an axis, shortened and escaped."""
    return escape(shorten(name, longest))
