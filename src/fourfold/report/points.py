"""Scatter plots of source and target: colours show labels, symbols show domains."""

from __future__ import annotations

import math
from collections import Counter
from html import escape
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from plotly import graph_objects as go

from fourfold.report.charts import Chart, axis, layout, spec
from fourfold.report.words import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.study.result import Points

__all__ = ["Colours", "points_chart"]

PALETTE: Final = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Petroff's ten colours, distinct for colour-blind readers, too (arXiv:2107.02270)."""
GREY: Final = "#8c8c8c"
SCALE: Final = [[0, "#2b7bba"], [0.5, "#a9a39d"], [1, "#e67300"]]
"""Blue to orange: visible on light and dark, and for colour-blind readers."""

CIRCLE: Final = {"symbol": "circle-open", "size": 7, "line": {"width": 1.5}}
TRIANGLE: Final = {"symbol": "triangle-up", "size": 8, "line": {"width": 0}}


class Colours(NamedTuple):
    """Colours of labels, the same in every scatter plot of a study.

    Attributes
    ----------
    classes
        Label → colour; empty for numbers on a scale.
    others
        Number of other labels, all in grey.
    ends
        Smallest and largest label for numbers on a scale.
    """

    classes: dict[str, str]
    others: int
    ends: tuple[float, float] | None

    @classmethod
    def of(cls, pictures: Sequence[Points]) -> Self:
        """Assign a colour to each label, or to the most frequent ones if there are too many."""
        labels = Counter(label for points in pictures for label in points.label if label)
        values = [_value(label) for label in labels]
        if len(labels) > len(PALETTE) and all(map(math.isfinite, values)):
            return cls({}, 0, (min(values), max(values)))
        kept = sorted(label for label, _ in labels.most_common(len(PALETTE)))
        return cls(dict(zip(kept, PALETTE, strict=False)), len(labels) - len(kept), None)

    def marker(self, labels: Sequence[str]) -> dict[str, Any]:
        """Return Plotly's marker colours for points with these labels."""
        if self.ends is None:
            return {"color": [self.classes.get(label, GREY) for label in labels]}
        low, high = self.ends
        values = [_value(label) for label in labels]
        return {"color": values, "colorscale": SCALE, "cmin": low, "cmax": high}


def points_chart(points: Points, colours: Colours) -> Chart:
    """Draw one scatter plot: circles for the source, filled triangles for the target."""
    hidden = axis(showticklabels=False, showgrid=False)
    figure = go.Figure(layout=layout(380, xaxis=hidden, yaxis=hidden, hovermode="closest"))
    for source in (True, False):
        index = [i for i, is_source in enumerate(points.source) if is_source == source]
        labels = [points.label[i] for i in index]
        domain = "source" if source else "target"
        figure.add_scatter(
            x=[points.x[i] for i in index], y=[points.y[i] for i in index], mode="markers",
            marker={**(CIRCLE if source else TRIANGLE), **colours.marker(labels)},
            hovertext=[f"{domain}: {escape(label) or 'no label'}" for label in labels],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    _name_classes(figure, points, colours)
    n = sum(points.source)
    label = f"{points.title}: {n} source and {len(points.source) - n} target rows as points."
    return Chart(points.title, label, spec(figure))


def _name_classes(figure: go.Figure, points: Points, colours: Colours) -> None:
    """Write the name of each class amid its points, so that colour is not the only sign."""
    names, x, y = [], [], []
    for name in colours.classes:
        index = [i for i, label in enumerate(points.label) if label == name]
        if index:
            names.append(f"<b>{escape(shorten(name, 12))}</b>")
            x.append(median(points.x[i] for i in index))
            y.append(median(points.y[i] for i in index))
    figure.add_scatter(x=x, y=y, text=names, mode="text", hoverinfo="skip", cliponaxis=False)


def _value(label: str) -> float:
    try:
        return float(label)
    except ValueError:
        return math.nan
