"""Findings of methods are drawn unchanged, and untrusted text stays text."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from plotly.offline import get_plotlyjs

from fourfold.core.findings import Bars, Curves, Facts, HeatMap
from fourfold.report import write_report
from fourfold.report.findings import findings_by_method, panel
from fourfold.study.leaderboard import LeaderboardRow

HOSTILE = "<img src=x onerror=alert(2)>"


def curves(**lines):
    n = len(next(iter(lines.values())))
    return Curves("title", "epoch", "score", [str(i) for i in range(n)], lines)


def drawn(finding):
    return panel(finding).figure


def test_each_line_is_drawn_and_named_at_its_end():
    first, its_name, second, other = drawn(curves(a=[1.0, 2.0], b=[5.0, 4.0]))["data"]
    assert (first["y"], second["y"]) == ([1.0, 2.0], [5.0, 4.0])
    assert (its_name["text"], other["text"]) == (["", "a"], ["", "b"])
    assert (its_name["x"][0], its_name["y"][0]) == (1, 2.0)
    assert first["line"]["color"] == its_name["line"]["color"] != second["line"]["color"]


def test_names_of_lines_that_end_together_do_not_lie_on_one_another():
    figure = drawn(curves(**{f"line {i}": [0.0, 1.0 + i / 1000] for i in range(5)}))
    heights = sorted(trace["y"][1] for trace in figure["data"] if "text" in trace)
    low, high = figure["layout"]["yaxis"]["range"]
    gaps = [b - a for a, b in itertools.pairwise(heights)]
    assert min(gaps) > 0.06 * (high - low)  # the height of a letter
    assert low <= heights[0] <= heights[-1] <= high


def test_a_line_that_stops_early_is_named_where_it_stops_and_one_of_nothing_not_at_all():
    data = drawn(curves(a=[1.0, 3.0, math.nan], b=[math.nan] * 3))["data"]
    names = {trace["text"][1]: trace for trace in data if "text" in trace}
    assert set(names) == {"a"}
    assert (names["a"]["x"][0], names["a"]["y"][0]) == (1, 3.0)
    assert data[0]["y"] == [1.0, 3.0, None]


def test_a_heat_map_shows_its_numbers_and_leaves_unknown_ones_out():
    shown = panel(HeatMap("title", "across", "down", ["x", "y"], ["r"], [[0.25, math.nan]]))
    [trace] = shown.figure["data"]
    assert trace["z"] == [[0.25, None]]
    assert trace["text"] == [["0.25", ""]]
    assert shown.label == "title: down against across, from 0.250 to 0.250."


def test_bars_show_their_numbers_and_where_zero_is():
    shown = panel(Bars("why", "nats", ["a: yes", "b: no"], [1.5, -0.5], ["x: yes", "y: no"]))
    [trace] = shown.figure["data"]
    assert (trace["x"], trace["y"], trace["text"]) == ([1.5, -0.5], [0, 1], ["1.50", "−0.50"])
    assert trace["marker"]["color"][0] != trace["marker"]["color"][1]
    low, high = shown.figure["layout"]["xaxis"]["range"]
    assert low < -0.5 < 1.5 < high
    assert shown.label == "why, nats: a: yes 1.500 (x: yes); b: no −0.500 (y: no)."


def test_a_large_heat_map_shows_numbers_on_hovering():
    names = [f"n{i}" for i in range(30)]
    [trace] = drawn(HeatMap("t", "a", "d", names, ["r"], [[0.5] * 30]))["data"]
    assert "texttemplate" not in trace
    assert trace["hovertext"][0][29] == "r, n29: 0.500"


@pytest.mark.parametrize(
    "finding",
    [Curves("t", HOSTILE, HOSTILE, [HOSTILE], {HOSTILE: [1.0]}),
     HeatMap("t", HOSTILE, HOSTILE, [HOSTILE], [HOSTILE], [[1.0]]),
     Bars("t", HOSTILE, [HOSTILE], [1.0], [HOSTILE])],
)  # fmt: skip
def test_names_are_escaped_for_plotly(finding):
    assert "<img" not in str(drawn(finding))
    assert "&lt;img" in str(drawn(finding))


def test_facts_are_listed_as_text(regression, tmp_path):
    first, *others = regression.lines
    hostile = replace(first, findings=[Facts(HOSTILE, {HOSTILE: HOSTILE})])
    write_report([replace(regression, lines=[hostile, *others])], tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text("utf-8").replace(get_plotlyjs(), "")
    assert html.count("&lt;img src=x") == 3
    assert "<img" not in html


def test_only_methods_that_found_something_are_shown():
    one = LeaderboardRow("DANN", "transfer", findings=[Facts("a", {}), Facts("b", {})])
    shown = findings_by_method([LeaderboardRow("Linear", "baseline"), one])
    assert {method: [part.title for part in found] for method, found in shown.items()} == {
        "DANN": ["a", "b"]
    }
