"""The report in a real browser: every chart drawn, text readable, no error, no request."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

from fourfold.report import write_report

WIDTHS = (400, 1400)
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

DRAWN = """
return [...document.querySelectorAll(".chart")].every(c => c.querySelector(".main-svg"))
"""
MARKS = """
const count = (chart, marks) => chart.querySelectorAll(marks).length;
return Object.fromEntries([...document.querySelectorAll(".chart")].map(chart => [chart.id, {
  lines: count(chart, ".scatterlayer path.js-line"),
  points: count(chart, ".scatterlayer path.point"),
  pictures: [...chart.querySelectorAll(".heatmaplayer image")]
    .filter(i => i.getBoundingClientRect().width > 100).length,
  counts: count(chart, ".heatmap-label"),
}]));
"""
SCROLLS = """
return [...document.querySelectorAll(".wide:has(.board), .points .wide")]
  .filter(e => e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight).length;
"""
CUT_OFF = """
const found = [];
for (const chart of document.querySelectorAll(".chart")) {
  const box = chart.getBoundingClientRect();
  for (const text of chart.querySelectorAll("text")) {
    const its = text.getBoundingClientRect();
    if (!its.width) continue;
    if (its.left < box.left - 1 || its.right > box.right + 1
        || its.top < box.top - 1 || its.bottom > box.bottom + 1)
      found.push(chart.id + ": " + text.textContent);
  }
}
return found;
"""
SMALL = """
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const parent = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || parent.closest("script, style")) continue;
  if (parseFloat(getComputedStyle(parent).fontSize) < 14) found.push(walker.currentNode.data);
}
return found;
"""
CONTRAST = """
const light = colour => {
  const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const paper = light(getComputedStyle(document.querySelector(".study")).backgroundColor);
const against = l => (Math.max(l, paper) + 0.05) / (Math.min(l, paper) + 0.05);
const of = (what, property) => [...document.querySelectorAll(what)]
  .map(e => against(light(getComputedStyle(e)[property])));
return {
  paper,
  text: Math.min(...of("p, td, th, dd, li", "color")),
  soft: Math.min(...of(".soft, dt, caption, figcaption", "color")),
  charts: Math.min(...of(".chart .xtick text, .chart .ytick text", "fill")),
};
"""


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(f"{name} must be installed in CI: the report is tested in a real browser")
    if found is None:
        pytest.skip(f"{name} is not installed: the report is not tested in a browser")
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = _program("chromium")
    service = webdriver.ChromeService(_program("chromedriver"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory, helped, regression, undecided):
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report([helped, regression, undecided], path)
    return path.as_uri()


def _open(browser, address, width, scheme="light"):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(address)
    WebDriverWait(browser, 30).until(lambda b: b.execute_script(DRAWN))
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")


@pytest.fixture(scope="module", params=WIDTHS, ids="{} px".format)
def opened(request, browser, address):
    """The page at one width, with the browser's logs of loading it."""
    browser.get("about:blank")  # ends the browser's own first page
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    _open(browser, address, request.param)
    logs = {kind: browser.get_log(kind) for kind in ("browser", "performance")}
    return browser, logs, request.param


def test_the_console_stays_empty(opened):
    _, logs, _ = opened
    assert logs["browser"] == []


def test_nothing_but_the_file_is_requested(opened, address):
    _, logs, _ = opened
    messages = [json.loads(entry["message"])["message"] for entry in logs["performance"]]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert address in asked
    own = ("data:", "chrome:")  # of the page and of the browser, both without a network
    assert [url for url in asked if url != address and not url.startswith(own)] == []


def test_every_chart_is_drawn(opened, helped):
    browser, _, _ = opened
    marks = browser.execute_script(MARKS)
    assert len(marks) == 11
    for chart, drawn in marks.items():
        if "-points-" in chart:
            assert drawn["points"] == 600, chart
        elif "-confusion" in chart:
            assert (drawn["pictures"], drawn["counts"]) == (1, len(helped.classes) ** 2), chart
        elif chart == "study-1-found-1-1":
            assert (drawn["pictures"], drawn["counts"]) == (1, 4 * 3 - 1), chart  # one is unknown
        elif chart == "study-1-found-1-3":
            assert drawn["lines"] == 3 * 2, chart  # each, and what leads to its name
        elif chart == "study-3-curve-1":
            assert drawn["points"] == 5 + 1, chart  # one epoch: marks instead of lines
        else:
            assert drawn["lines"] == 5 + 1, chart  # seeds and their mean


def test_every_interval_is_drawn(opened):
    browser, _, _ = opened
    widths = browser.execute_script(
        "return [...document.querySelectorAll('.interval .reach')]"
        ".map(line => line.getBoundingClientRect().width)"
    )
    assert len(widths) == 4
    assert min(widths) > 5


def test_the_page_does_not_scroll_sideways(opened):
    browser, _, width = opened
    needed, shown = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert width - 20 <= shown <= width
    assert needed <= shown


@pytest.mark.parametrize("width", [600, 1121, 1200, 1600])
def test_leaderboards_and_pictures_do_not_scroll(browser, address, width):
    _open(browser, address, width)
    assert browser.execute_script(SCROLLS) == 0


def test_labels_of_charts_are_not_cut_off(opened):
    browser, _, _ = opened
    assert browser.execute_script(CUT_OFF) == []


def test_text_is_large_enough_to_read(opened):
    browser, _, _ = opened
    assert browser.execute_script(SMALL) == []


def test_a_hostile_class_name_is_shown_as_text(opened, helped):
    browser, _, _ = opened
    legend = browser.execute_script("return document.querySelector('.legend').innerText")
    axis = browser.execute_script("return document.querySelector('#study-1-confusion').textContent")
    found = browser.execute_script(
        "return document.querySelector('#study-1-found-1-1').textContent"
        " + document.querySelector('#study-1-found-1-3').textContent"
    )
    assert helped.classes[-1] in legend
    assert "<script>alert…" in axis
    assert found.count("<script>alert…") == 2  # a column, and a line


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_in_dark(browser, address, scheme):
    _open(browser, address, 1400, scheme)
    seen = browser.execute_script(CONTRAST)
    assert (seen["paper"] > 0.5) == (scheme == "light")
    assert seen["text"] >= 4.5
    assert seen["soft"] >= 4.5
    assert seen["charts"] >= 7
