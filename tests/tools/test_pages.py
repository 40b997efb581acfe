"""README's map and the reference are made from the cells, the methods and the public names."""

from __future__ import annotations

from pathlib import Path

import pytest

import fourfold
from fourfold.methods import MethodEntry, cells, table
from tools import pages
from tools.sources import House, Source

ROOT = Path(__file__).parents[2]
WORDS = {
    "phrases": {"labelled": "有标签", "-": "–", "any": "任意"},
    "baselines": {
        "TargetOnly": {"en": "target only", "zh": "仅目标域"},
        "selftaught.Linear": {"en": "its linear", "zh": "自身线性"},
        "LinearPCA": {"en": "linear on PCA", "zh": "PCA"},
    },
    "notes": {"SparseCoding": {"en": "a note", "zh": "注"}},
}
CELL = cells()["selftaught"]
SMALL = [
    CELL._replace(
        source="labelled",
        target="-",
        label_spaces="any",
        baselines=("TargetOnly", "Linear", "LinearPCA"),
    )
]
METHODS = [
    MethodEntry("Autoencoder", "selftaught", "fourfold.methods.selftaught.autoencoder", "", {}),
    MethodEntry("LinearPCA", "selftaught", "fourfold.methods.selftaught.pca", "", {}),
    MethodEntry("SparseCoding", "selftaught", "fourfold.methods.selftaught.sparse_coding", "", {}),
    MethodEntry("DANN", "adaptation", "fourfold.methods.adaptation.dann", "", {}),
]


COLUMNS = ("a", "b", "c", "d", "e", "f")
ENGLISH = pages.Language("en", "README.md", COLUMNS, ", ", " ({})")
CHINESE = pages.Language("zh", "README.zh-CN.md", COLUMNS, "、", "[{}]")


def test_a_cell_is_a_row_with_its_methods_and_baselines():
    words = pages.Words(WORDS)
    head, line, row = pages.map_table(ENGLISH, SMALL, METHODS, words).splitlines()
    assert head == "| a | b | c | d | e | f |"
    assert line == "|---|---|---|---|---|---|"
    assert row.split(" | ") == [
        "| labelled",
        "–",
        "any",
        "[`selftaught`](docs/selftaught.md)",
        "`Autoencoder`, `SparseCoding` (a note)",
        "target only, its linear, linear on PCA |",
    ]
    assert words.unused() == []


def test_a_row_is_translated():
    row = pages.map_table(CHINESE, SMALL, METHODS, pages.Words(WORDS)).splitlines()[-1]
    assert row.split(" | ") == [
        "| 有标签",
        "–",
        "任意",
        "[`selftaught`](docs/selftaught.md)",
        "`Autoencoder`、`SparseCoding`[注]",
        "仅目标域、自身线性、PCA |",
    ]


@pytest.mark.parametrize("part", ["phrases", "baselines"])
def test_a_missing_word_is_named(part):
    words = pages.Words(WORDS | {part: {}})
    with pytest.raises(ValueError, match=rf"words.toml must have '.*' under \[{part}\]"):
        pages.map_table(CHINESE, SMALL, METHODS, words)


def test_words_that_nothing_uses_are_named():
    words = pages.Words(WORDS)
    pages.map_table(ENGLISH, [], [], words)
    assert words.unused()[0] == "baselines: LinearPCA"
    assert len(words.unused()) == 7


def test_the_map_replaces_only_its_block():
    page = "a\n<!-- map -->\nold\n\n<!-- /map -->\nb\n"
    assert pages.replace_map(page, "new\\1\n") == "a\n<!-- map -->\nnew\\1\n<!-- /map -->\nb\n"
    with pytest.raises(ValueError, match="once; got it 0 times"):
        pages.replace_map("no map\n", "new\n")


SOURCES = {
    "fourfold": 'attach({"data": ["Domain"], "study": ["Study", "limit"], "odd.room": ["Odd"]})\n',
    "fourfold.data": "from fourfold.data.domain import D as Domain\n",
    "fourfold.data.domain": "class D: pass\n",
    "fourfold.study": "class Study: pass\nlimit: int = 3\n",
    "fourfold.odd.room": "def Odd(): pass\n",
}


@pytest.fixture
def sources():
    return {module: Source(f"{module}.py", module, text) for module, text in SOURCES.items()}


def test_definitions_are_followed_without_imports(sources):
    found = [pages.definition(sources, "fourfold", name) for name in ("Domain", "Study", "limit")]
    assert found == ["fourfold.data.domain.D", "fourfold.study.Study", "fourfold.study.limit"]
    with pytest.raises(ValueError, match="fourfold must define or import Nothing"):
        pages.definition(sources, "fourfold", "Nothing")


def test_the_reference_has_sections_for_data_cells_baselines_and_the_rest(sources):
    methods = {entry.name: entry for entry in METHODS if entry.cell == "selftaught"}
    text = pages.reference(["Domain", "Study", "selftaught"], SMALL, methods, sources)
    sections = [block.splitlines() for block in text.split("\n\n")[2:]]
    assert sections == [
        ["## Data", "::: fourfold.data.domain.D"],
        [
            "## Self-taught learning",
            "::: fourfold.methods.selftaught.autoencoder.Autoencoder",
            "::: fourfold.methods.selftaught.sparse_coding.SparseCoding",
        ],
        ["## Baselines", "::: fourfold.methods.selftaught.pca.LinearPCA"],
        ["## Studies", "::: fourfold.study.Study"],
    ]


def test_a_name_from_a_new_room_needs_a_section(sources):
    with pytest.raises(ValueError, match=r"must have a section for fourfold\.odd\.room\.Odd"):
        pages.reference(["Odd"], [], {}, sources)


def test_every_public_name_is_in_the_reference():
    sources = {source.module: source for source in House(ROOT).sources}
    text = pages.reference(fourfold.__all__, cells().values(), table(), sources)
    shown = {line.rpartition(".")[2] for line in text.splitlines() if line.startswith(":::")}
    assert shown >= set(fourfold.__all__) - set(cells())


@pytest.fixture
def copy(tmp_path):
    """Copy the inputs of the pages."""
    for path in ("README.md", "README.zh-CN.md", "docs/reference.md", "tools/words.toml"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    (tmp_path / "src").symlink_to(ROOT / "src")
    return tmp_path


def test_pages_are_checked_and_written(copy, capsys):
    assert pages.main([], copy) == 0
    assert pages.main(["--check"], copy) == 0
    (copy / "docs/reference.md").unlink()
    readme = copy / "README.md"
    fresh = readme.read_text(encoding="utf-8")
    readme.write_text(fresh.replace("`DANN`", "`DAN`"), encoding="utf-8")
    assert pages.main(["--check"], copy) == 1
    assert capsys.readouterr().out.splitlines() == [
        "README.md is out of date: run `make pages`",
        "docs/reference.md is out of date: run `make pages`",
    ]
    assert not (copy / "docs/reference.md").exists()
    assert pages.main([], copy) == 0
    assert readme.read_text(encoding="utf-8") == fresh


def test_a_missing_translation_fails_the_check(copy, capsys):
    words = copy / "tools/words.toml"
    lines = words.read_text(encoding="utf-8").splitlines()
    words.write_text("\n".join(one for one in lines if not one.startswith("Chance")))
    assert pages.main(["--check"], copy) == 1
    assert "must have 'Chance' under [baselines]" in capsys.readouterr().out
