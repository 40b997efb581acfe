"""Scatter plots of source and target."""

from __future__ import annotations

from fourfold.report.points import GREY, Colours, points_chart
from fourfold.study.result import Points


def _cloud(labels: list[str]) -> Points:
    n = len(labels)
    return Points(
        "t", [float(i) for i in range(n)], [0.0] * n, [i % 2 == 0 for i in range(n)], labels
    )


def test_colour_says_the_label_and_symbol_says_the_domain():
    first, second = _cloud(["b", "a", "", "b"]), _cloud(["a", "a", "b", "c"])
    colours = Colours.of([first, second])
    assert sorted(colours.classes) == ["a", "b", "c"]
    assert len(set(colours.classes.values())) == 3
    source, target, names = points_chart(first, colours).figure["data"]
    assert source["marker"]["color"] == [colours.classes["b"], GREY]
    assert target["marker"]["color"] == [colours.classes["a"], colours.classes["b"]]
    assert source["marker"]["symbol"] != target["marker"]["symbol"]
    assert names["text"] == ["<b>a</b>", "<b>b</b>"]
    assert names["x"] == [1.0, 1.5]
    again = points_chart(second, colours).figure["data"]
    assert again[0]["marker"]["color"] == [colours.classes["a"], colours.classes["b"]]


def test_rare_classes_share_the_grey():
    labels = [f"class {i}" for i in range(14) for _ in range(20 - i)]
    colours = Colours.of([_cloud(labels)])
    assert set(colours.classes) == {f"class {i}" for i in range(10)}
    assert colours.others == 4
    assert colours.marker(["class 13"]) == {"color": [GREY]}


def test_many_numbers_are_coloured_on_a_scale():
    colours = Colours.of([_cloud([str(i / 4) for i in range(40)])])
    assert (colours.classes, colours.ends) == ({}, (0.0, 9.75))
    marker = colours.marker(["2.5", ""])
    assert marker["color"][0] == 2.5
    assert (marker["cmin"], marker["cmax"]) == (0.0, 9.75)
