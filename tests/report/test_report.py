"""The report: what it says, what it draws, and that a stranger's text stays text."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs

from fourfold.errors import DataError, FileError
from fourfold.report import words, write_report
from fourfold.report.charts import confusion_chart, learning_curves
from fourfold.report.confusions import Confused, most_confused
from fourfold.report.leaderboard import Scale, Spread, leaderboard
from fourfold.report.place import corners
from fourfold.report.points import GREY, Colours, points_chart
from fourfold.study.gate import Interval
from fourfold.study.leaderboard import LeaderboardRow
from fourfold.study.result import Points

HOSTILE = "</script><script>alert('it ran')</script><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """What a reader sees of a page: its text, its headings, its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.headings = "", [], []
        self._unseen = False
        self.feed(html)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._unseen = tag in {"script", "style"}
        self.text += "" if tag == "wbr" else " "
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, _tag):
        self._unseen = False

    def handle_data(self, data):
        self.text += "" if self._unseen else data

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.tags)


@pytest.fixture(scope="module")
def html(tmp_path_factory, helped, regression, undecided):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report([helped, regression, undecided], path)
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8").replace(get_plotlyjs(), "")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def _written(result, tmp_path) -> str:
    write_report([result], tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8").replace(get_plotlyjs(), "")


# What the page says


def test_each_study_is_a_section_that_says_its_verdict(page, helped, regression, undecided):
    assert page.count("section") == 3
    for result in (helped, regression, undecided):
        assert f"{result.verdict} {result.sentence}" in page.text
        assert result.title in page.text
        assert all(note in page.text for note in result.notes)


def test_one_study_needs_no_list_of_studies(regression, tmp_path):
    assert Page(_written(regression, tmp_path)).count("nav") == 0


def test_the_page_asks_for_nothing_outside_itself(html):
    addresses = [
        a.get("src") or a.get("href") for _, a in Page(html).tags if {"src", "href"} & {*a}
    ]
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert not re.search(r"@import|url\(|https?://", html)


def test_headings_go_down_one_level_at_a_time(page):
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))


def test_charts_and_tables_are_described(page):
    charts = [a for _, a in page.tags if a.get("class") == "chart"]
    assert len(charts) == 3 + 1 + 1 + 2 + 1 + 1 + 2  # curves, a confusion, pictures, findings
    assert all(a["role"] == "img" and a["aria-label"].endswith(".") for a in charts)
    assert page.count("table") == page.count("caption")
    assert ("html", {"lang": "en"}) in page.tags


def test_a_method_that_could_not_run_gives_its_reason(page, helped):
    [failed] = [line for line in helped.lines if line.error]
    assert f"{failed.method} {failed.role} Could not run. {failed.error}" in page.text


def test_the_leaderboard_shows_scores_differences_and_what_is_handed_over(page, helped):
    line = helped.lines[0]
    spread = Spread.of(line.scores)
    assert f"{spread.mean:.3f} ± {spread.deviation:.3f}" in page.text
    assert "+0.052 (+0.021 to +0.083)" in page.text
    assert "−0.053 (−0.090 to −0.016)" in page.text
    assert "FineTune handed over" in page.text
    assert page.text.count("handed over") == 3 * 2  # the fact and the row, in each study


def test_everything_needed_to_repeat_the_run_is_there(page, helped):
    assert page.count("details") == 3
    for name, value in helped.settings.items():
        assert f"{name} {words.plain(value)}" in page.text
    for pile in (*helped.sources, helped.target, helped.evaluate):
        assert pile.name in page.text
        assert pile.digest in page.text
    for name, value in helped.lines[0].parameters.items():
        assert f"{name}={value}" in page.text


def test_the_map_gives_every_cell_its_reason(page, undecided):
    assert [a["class"] for _, a in page.tags if "aria-current" in a] == ["spot here"] * 3
    assert all(reason in page.text for reason in undecided.place.values())


def test_a_strangers_text_stays_text(helped, tmp_path):
    clean = Page(_written(helped, tmp_path))
    hostile = replace(
        helped,
        title=HOSTILE,
        sentence=HOSTILE,
        notes=[HOSTILE, HOSTILE],
        classes=[HOSTILE + name for name in helped.classes],
        settings={**helped.settings, "command": HOSTILE},
        pictures=[
            replace(points, title=HOSTILE, label=[HOSTILE + label for label in points.label])
            for points in helped.pictures
        ],
        target=replace(helped.target, name=HOSTILE, labels={HOSTILE: 3}),
        lines=[*helped.lines[:-1], replace(helped.lines[-1], error=HOSTILE)],
    )
    page = Page(_written(hostile, tmp_path))
    assert page.count("script") == clean.count("script")
    assert page.count("img") == 0
    assert page.text.count(HOSTILE) >= 10


def test_a_file_name_that_is_no_text_is_still_reported(regression, tmp_path):
    odd = replace(regression, title="caf\udce9.csv → b.csv")
    assert "caf?.csv" in _written(odd, tmp_path)


def test_there_must_be_a_result(tmp_path):
    with pytest.raises(DataError, match="at least one result"):
        write_report([], tmp_path / "report.html")


def test_a_path_that_cannot_be_written_is_said_so_and_leaves_nothing(regression, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.html", tmp_path / "folder"):
        with pytest.raises(FileError, match="must be writable"):
            write_report([regression], path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder"]


# The leaderboard

numbers = st.floats(-1e6, 1e6)
intervals = st.tuples(numbers, numbers, numbers).map(sorted).map(
    lambda t: Interval(low=t[0], mean=t[1], high=t[2], p=0.5)
)  # fmt: skip


@given(st.lists(intervals, min_size=1, max_size=6))
def test_intervals_are_drawn_in_order_on_the_line_and_on_their_side_of_zero(found):
    scale = Scale.of(found)
    for interval in found:
        drawn = scale.draw(interval)
        assert 0 <= drawn.low <= drawn.mean <= drawn.high <= 100
        assert (drawn.low >= scale.zero) or interval.low < 0
        assert (drawn.high <= scale.zero) or interval.high > 0
    assert 0 < scale.zero < 100


def test_an_interval_without_end_is_drawn_to_the_edge_and_an_unknown_one_not_at_all():
    found = [Interval(0.1, -math.inf, math.inf, 1.0), Interval(0.1, math.nan, 0.2, 1.0)]
    scale = Scale.of(found)
    assert scale.draw(found[0]).low == 0
    assert scale.draw(found[0]).high == 100
    assert scale.draw(found[1]) is None


def test_spread_is_mean_and_standard_deviation():
    assert Spread.of([1.0, 3.0]) == Spread(2.0, math.sqrt(2), 2)
    assert Spread.of([1.0]) == Spread(1.0, None, 1)
    assert Spread.of([]) is None


def test_one_row_is_shipped_one_compared_to_and_the_slowest_fills_its_meter(helped):
    rows, _ = leaderboard(helped)
    assert [row.line.method for row in rows if row.shipped] == [helped.shipped]
    assert [row.line.method for row in rows if row.best_baseline] == [helped.best_baseline]
    assert max(row.share for row in rows) == 100
    assert all(row.share == 0 for row in rows if row.line.error)


# Charts


def test_curves_show_each_seed_and_the_mean_of_what_all_seeds_reached():
    line = LeaderboardRow("DANN", "transfer", losses=[[4.0, 2.0, 1.0], [2.0, 1.0], []])
    [chart] = learning_curves([line, LeaderboardRow("Linear", "baseline")])
    first, second, mean = chart.figure["data"]
    assert (first["x"], first["y"]) == ([1, 2, 3], [4.0, 2.0, 1.0])
    assert second["y"] == [2.0, 1.0]
    assert (mean["x"], mean["y"]) == ([1, 2], [3.0, 1.5])
    assert mean["line"]["width"] > 2 * first["line"]["width"]


def test_a_loss_that_is_no_number_is_a_gap_in_valid_json(regression, tmp_path):
    lines = [replace(regression.lines[1], losses=[[1.0, math.nan, math.inf]])]
    html = _written(replace(regression, lines=lines), tmp_path)
    found = re.findall(r"data-chart=\"study-1-curve-1\">(.*?)</script>", html)
    [trace] = json.loads(found[0], parse_constant=pytest.fail)["data"]
    assert trace["y"] == [1.0, None, None]


def test_confusion_is_shaded_by_share_and_names_survive():
    chart = confusion_chart(["a", "<b>"], [[3, 1], [0, 0]])
    [trace] = chart.figure["data"]
    assert trace["z"] == [[0.75, 0.25], [0.0, 0.0]]
    assert trace["text"] == [[3, 1], [0, 0]]
    assert chart.figure["layout"]["xaxis"]["ticktext"] == ["a", "&lt;b&gt;"]
    assert chart.label == "Confusion matrix of 2 classes: 3 of 4 rows are right."
    assert confusion_chart(["a"], []) is None


def test_many_classes_are_named_in_part_and_counted_on_hovering():
    chart = confusion_chart([f"class {i}" for i in range(70)], [[1] * 70] * 70)
    [trace] = chart.figure["data"]
    assert "texttemplate" not in trace
    assert len(chart.figure["layout"]["yaxis"]["ticktext"]) <= 20
    assert trace["hovertext"][69][0] == "truly class 69, predicted class 0: 1 rows"


def test_most_confused_leaves_out_what_is_right_and_counts_shares_of_the_true_class():
    found = most_confused(["a", "b", "c"], [[90, 0, 10], [30, 30, 0], [0, 0, 0]])
    assert found == [Confused("b", "a", 30, 50.0), Confused("a", "c", 10, 10.0)]
    assert most_confused([], []) == []
    assert len(most_confused(list("abc"), [[1] * 3] * 3, most=2)) == 2


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


# The map and the words


def test_every_cell_lies_in_the_corner_of_its_two_answers(helped):
    placed = {
        (corner.source, corner.target): [spot.cell.name for spot in corner.spots]
        for corner in corners(helped)
    }
    assert placed == {
        (True, True): ["finetuning", "multitask", "progressive"],
        (True, False): ["adaptation", "zeroshot"],
        (False, True): ["selftaught"],
        (False, False): ["clustering"],
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.8316, "0.832"), (-0.05, "−0.050"), (-0.0001, "0.000"), (math.nan, "unknown"),
     (-math.inf, "−∞"), (math.inf, "∞")],
)  # fmt: skip
def test_numbers(value, written):
    assert words.number(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.0316, "+0.032"), (-0.05, "−0.050"), (0.0001, "0.000"), (0.0, "0.000")]
)
def test_differences_carry_their_sign(value, written):
    assert words.signed(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.0, "0 s"), (0.034, "0.034 s"), (3.21, "3.2 s"), (45.4, "45 s"), (119.6, "2 min 0 s"),
     (192, "3 min 12 s"), (7325, "2 h 2 min")],
)  # fmt: skip
def test_durations(seconds, written):
    assert words.duration(seconds) == written


def test_settings_are_plain():
    assert words.plain("as it is") == "as it is"
    assert words.plain([0, 1]) == "[0, 1]"
    assert words.plain({"ü": None}) == '{"ü": null}'
    assert words.shorten("abcdef", 6) == "abcdef"
    assert words.shorten("abcdefg", 6) == "abcde…"
