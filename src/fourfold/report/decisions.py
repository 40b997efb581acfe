"""Charts of decisions by two classes: calibration, and tenths of the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from plotly import graph_objects as go

from fourfold.report.charts import BLUE, Chart, axis, layout, spec

if TYPE_CHECKING:
    from fourfold.study.diagnostics.decisions import Decisions

__all__ = ["decision_charts"]

GREY: Final = "rgba(128,128,128,0.8)"


def decision_charts(found: Decisions | None) -> list[Chart]:
    """Draw the calibration, and the share of events in tenths of the scores; nothing for None."""
    return [] if found is None else [_calibration(found), _deciles(found)]


def _calibration(found: Decisions) -> Chart:
    bins = found.calibration
    most = min(1.0, 1.1 * max(max(part.high, part.predicted) for part in bins))
    shares = axis("observed share", tickformat=".0%", range=[0, most])
    figure = go.Figure(
        layout=layout(280, xaxis=axis("predicted", tickformat=".0%", range=[0, most]), yaxis=shares)
    )
    figure.add_scatter(
        x=[0, most], y=[0, most], mode="lines", hoverinfo="skip",
        line={"width": 1, "color": GREY, "dash": "dot"},
    )  # fmt: skip
    figure.add_scatter(
        x=[part.predicted for part in bins], y=[part.observed for part in bins],
        mode="lines+markers", line={"width": 1, "color": BLUE}, marker={"size": 8},
        error_y={
            "array": [part.high - part.observed for part in bins],
            "arrayminus": [part.observed - part.low for part in bins],
            "thickness": 1, "color": BLUE,
        },
        customdata=[part.rows for part in bins],
        hovertemplate="predicted %{x:.1%}, observed %{y:.1%} of %{customdata} rows<extra></extra>",
    )  # fmt: skip
    label = (
        f"Observed share of events in {len(bins)} bins of predicted probability, from "
        f"{bins[0].observed:.1%} where {bins[0].predicted:.1%} is predicted to "
        f"{bins[-1].observed:.1%} where {bins[-1].predicted:.1%} is."
    )
    title = "Predicted and observed shares, with 95 % intervals; on the dotted line they agree"
    return Chart(title, label, spec(figure))


def _deciles(found: Decisions) -> Chart:
    names = [str(place) for place in range(1, len(found.deciles) + 1)]
    figure = go.Figure(
        layout=layout(
            280,
            xaxis=axis("tenth of the scores, the highest probabilities last", type="category"),
            yaxis=axis("share of events", tickformat=".0%", rangemode="tozero"),
        )
    )
    figure.add_bar(
        x=names, y=[part.rate for part in found.deciles], marker={"color": BLUE},
        customdata=[part.rows for part in found.deciles],
        hovertemplate="judged rows: %{y:.1%} of %{customdata}<extra></extra>",
    )  # fmt: skip
    if found.source_deciles:
        figure.add_scatter(
            x=names, y=[part.rate for part in found.source_deciles], mode="markers",
            marker={"size": 10, "color": GREY, "symbol": "diamond"},
            customdata=[part.rows for part in found.source_deciles],
            hovertemplate="source: %{y:.1%} of %{customdata}<extra></extra>",
        )  # fmt: skip
    rates = [part.rate for part in found.deciles if part.rate is not None]
    label = f"Share of events by tenths of the scores, from {rates[0]:.1%} to {rates[-1]:.1%}."
    source = "; diamonds: the source's rows in the same tenths" if found.source_deciles else ""
    return Chart(f"Share of events in each tenth of the scores{source}", label, spec(figure))
