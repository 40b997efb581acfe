"""The picture shows each pair once, at its lead."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from benchmarks.arena.figures import Place
from benchmarks.arena.picture import draw, write

PLACES = [
    Place("a < b/50", "tables", gain=0.1, low=0.0, high=0.2, lead=0.0),
    Place("a < b/200", "tables", gain=0.3, low=0.2, high=0.4, lead=0.2),
    Place("ahead/50", "tables", gain=0.0, low=0.0, high=0.0, lead=0.9),
    Place("words/8", "texts", gain=-0.9, low=-1.0, high=-0.8, lead=-0.3),
]
NAMESPACE = "{http://www.w3.org/2000/svg}"


def test_pairs_stand_by_group_with_the_largest_lead_first():
    root = ET.fromstring(draw(PLACES))  # noqa: S314  our own
    said = [one.text for one in root.iter(f"{NAMESPACE}text")]
    assert said[9:] == ["tables", "ahead", "a < b", "texts", "words"]
    marks = [float(one.get("cx")) for one in root.iter(f"{NAMESPACE}circle")][2:]
    middle, end, start = 465.0, 730.0, 200.0  # of the axis; what is beyond is drawn at its end
    assert marks == [middle, end, 641.7, 553.3, start, start]


def test_the_picture_is_written_whole(tmp_path):
    write(PLACES, tmp_path / "arena.svg")
    assert (tmp_path / "arena.svg").read_text("utf-8") == draw(PLACES)
    assert [path.name for path in tmp_path.iterdir()] == ["arena.svg"]
