"""The page: its content, its structure, and untrusted text that stays text."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from plotly.offline import get_plotlyjs

from fourfold.errors import DataError, FileError
from fourfold.methods import cells
from fourfold.report import words, write_report
from fourfold.report.intervals import Spread

HOSTILE = "</script><script>alert('it ran')</script><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """Text, headings and tags of a page."""

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
    times = page.text.count("handed over")
    assert times == 3 * 2 + 1  # the fact and the row, in each study; gains in one caption


def test_one_row_is_shipped_one_compared_to_and_the_slowest_fills_its_meter(helped, tmp_path):
    _, *shown = _written(helped, tmp_path).partition("</table>")[0].split("<tr")[1:]
    rows = {line.method: row for line, row in zip(helped.lines, shown, strict=True)}
    assert [name for name, row in rows.items() if "handed over" in row] == [helped.shipped]
    compared = [name for name, row in rows.items() if "compared to this one" in row]
    assert compared == [helped.best_baseline]
    widths = {name: re.findall(r"width: ([\d.]+)%", row) for name, row in rows.items()}
    assert max(float(width) for found in widths.values() for width in found) == 100
    assert all(not widths[line.method] for line in helped.lines if line.error)


def test_everything_needed_to_repeat_the_run_is_there(page, helped):
    assert page.count("details") == 3
    for name, value in helped.settings.items():
        assert f"{name} {words.plain(value)}" in page.text
    for data in (*helped.sources, helped.target, helped.evaluate):
        assert data.name in page.text
        assert data.digest in page.text
    for name, value in helped.lines[0].parameters.items():
        assert f"{name}={value}" in page.text


def test_the_map_gives_every_cell_its_reason(page, undecided):
    assert [a["class"] for _, a in page.tags if "aria-current" in a] == ["spot here"] * 3
    assert all(reason in page.text for reason in undecided.place.values())


def test_every_cell_lies_in_the_quadrant_of_its_two_answers(helped, tmp_path):
    shown = re.search(r'<table class="map".*?</table>', _written(helped, tmp_path), re.DOTALL)[0]
    names = {cell.title: name for name, cell in cells().items()}
    placed = {}
    for row, source in zip(shown.split("<tr")[2:], (True, False), strict=True):
        for quadrant, target in zip(row.split("<td")[1:], (True, False), strict=True):
            titles = re.findall("<strong>(.*?)</strong>", quadrant)
            placed[source, target] = [names[title] for title in titles]
    assert placed == {
        (True, True): ["finetuning", "multitask", "progressive"],
        (True, False): ["adaptation", "zeroshot"],
        (False, True): ["selftaught"],
        (False, False): ["clustering"],
    }


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


def test_a_loss_that_is_no_number_is_a_gap_in_valid_json(regression, tmp_path):
    lines = [replace(regression.lines[1], losses=[[1.0, math.nan, math.inf]])]
    html = _written(replace(regression, lines=lines), tmp_path)
    found = re.findall(r"data-chart=\"study-1-curve-1\">(.*?)</script>", html)
    [trace] = json.loads(found[0], parse_constant=pytest.fail)["data"]
    assert trace["y"] == [1.0, None, None]
