"""The lock is read whole, and the part for some extras is closed under what packages need."""

from __future__ import annotations

import pytest

from tools.pins import Project, digest, needed, normal, read_pins, read_project

LOCK = """\
# a comment
base==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via
    #   tool
    #   wide-tool
split==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:ba
    # via tool
split==2.0 ; python_full_version >= '3.12' \\
    --hash=sha256:bb
    # via tool
tool==3.1+cpu \\
    --hash=sha256:ca
    # via fourfold (pyproject.toml)
wide-tool==0.1.post1 \\
    --hash=sha256:da
    # via -r build.in
"""


def test_pins_have_versions_markers_hashes_and_dependants():
    base, old, new, tool, wide = read_pins(LOCK)
    assert base == ("base", "1.0", "", ("sha256:aa", "sha256:ab"), frozenset({"tool", "wide-tool"}))
    assert old.marker == "python_full_version < '3.12'"
    assert (new.name, new.version) == ("split", "2.0")
    assert (tool.version, tool.dependants) == ("3.1+cpu", frozenset())
    assert (wide.version, wide.dependants) == ("0.1.post1", frozenset())


def test_a_pin_is_written_as_it_is_read():
    pins = read_pins(LOCK)
    again = read_pins("\n".join(pin.requirement for pin in pins))
    assert again == [pin._replace(dependants=frozenset()) for pin in pins]


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "--find-links /somewhere",
        "tool @ file:///somewhere/tool.whl",
        "tool>=1.0",
        "-r other.txt",
    ],
)
def test_nothing_else_may_stand_in_a_lock(line):
    with pytest.raises(ValueError, match="must be a pin, a hash or a comment; got"):
        read_pins(f"{LOCK}{line}\n")


def test_needed_pins_are_closed_under_dependencies():
    pins = read_pins(LOCK)
    assert [pin.name for pin in needed(pins, ["wide_tool[x]>=0.1"])] == ["base", "wide-tool"]
    assert [pin.name for pin in needed(pins, ["Tool"])] == ["base", "split", "split", "tool"]
    assert needed(pins, []) == []


@pytest.mark.parametrize("name", ["Torch_JD", "torch.jd>=0.1", "torch-jd[a,b]>=1", " torch__jd;x"])
def test_names_are_normalized(name):
    assert normal(name) == "torch-jd"


def test_a_requirement_without_a_name_is_refused():
    with pytest.raises(ValueError, match="must begin with a name"):
        normal(">=1.0")


PROJECT = Project(">=3.11", ("a", "b"), {"dev": ("c",), "docs": ("d",)}, ("hatchling",))


def test_the_digest_follows_requirements_and_not_their_order():
    assert digest(PROJECT) == digest(PROJECT._replace(core=("b", "a")))
    changed = [
        PROJECT._replace(python=">=3.12"),
        PROJECT._replace(core=("a", "b>=1")),
        PROJECT._replace(extras={"dev": ("c",)}),
        PROJECT._replace(extras={"dev": ("d",), "docs": ("c",)}),
        PROJECT._replace(build=("flit",)),
    ]
    assert len({digest(one) for one in [PROJECT, *changed]}) == 6


def test_requirements_are_those_of_core_build_and_extras():
    assert PROJECT.requirements([]) == ["hatchling", "a", "b"]
    assert PROJECT.requirements(["docs"]) == ["hatchling", "a", "b", "d"]
    with pytest.raises(ValueError, match="extras must be among dev, docs; got doc"):
        PROJECT.requirements(["doc"])


def test_requirements_are_read_from_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\n[project]\nrequires-python = ">=3.11"\n'
        'dependencies = ["a", "b"]\n[project.optional-dependencies]\ndev = ["c"]\ndocs = ["d"]\n',
        encoding="utf-8",
    )
    assert read_project(tmp_path) == PROJECT
