"""Each check of the house finds its violation in a tiny tree, and nothing in a clean one."""

from __future__ import annotations

import pytest

from tools import house

PACKAGE = "src/fourfold"
METHODS = f"{PACKAGE}/methods"

CLEAN = {
    "pyproject.toml": "",
    f"{PACKAGE}/__init__.py": '"""A package."""\n',
    f"{PACKAGE}/errors.py": '"""Errors."""\n',
    f"{PACKAGE}/data/__init__.py": "",
    f"{PACKAGE}/data/domain.py": "from fourfold.errors import FourfoldError\n",
    f"{METHODS}/__init__.py": "",
    f"{METHODS}/cell/__init__.py": "",
    f"{METHODS}/cell/_shared.py": "from fourfold.data import domain\n",
    f"{METHODS}/cell/first.py": "from fourfold.methods.cell import _shared\n",
    f"{METHODS}/cell/second.py": "from fourfold.methods.cell._shared import domain\n",
    "tools/__init__.py": "",
}


@pytest.fixture
def run(tmp_path, capsys):
    """Run rules on the clean tree with some files changed; return exit code and violations."""

    def run_rules(changed: dict[str, str], *, only: str | None = None):
        for path, text in {**CLEAN, **changed}.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        code = house.main(["--only", only] if only else [], root=tmp_path)
        *violations, summary = capsys.readouterr().out.splitlines()
        assert summary.startswith("house: ")
        assert code == bool(violations)
        return violations

    return run_rules


def test_a_clean_tree_passes_every_rule(run):
    assert run({}) == []


@pytest.mark.parametrize(
    ("back", "kind"),
    [
        ("from fourfold.data.domain import Domain\n", "eager"),
        ("import fourfold.data.domain\n", "eager"),
        ("from fourfold.data import domain\n", "eager"),
        ("from .data import domain\n", "eager"),
        ("def read():\n    from fourfold.data.domain import Domain\n", "lazy"),
        ("if TYPE_CHECKING:\n    from fourfold.data.domain import Domain\n", "for types"),
        ("if typing.TYPE_CHECKING:\n    from fourfold.data.domain import Domain\n", "for types"),
    ],
)
def test_circles_are_found_whatever_closes_them(run, back, kind):
    (line,) = run({f"{PACKAGE}/errors.py": back}, only="circles")
    assert "circle of imports: " in line
    assert f"→ fourfold.data.domain ({kind})" in line
    assert "→ fourfold.errors (eager)" in line


def test_each_circle_is_reported(run):
    lines = run(
        {
            f"{PACKAGE}/errors.py": "from fourfold.data import domain\n",
            f"{METHODS}/cell/_shared.py": "def f():\n    from fourfold.methods.cell import first\n",
        },
        only="circles",
    )
    assert len(lines) == 2


def test_the_root_package_imports_everything_and_is_not_imported(run):
    (line,) = run({f"{PACKAGE}/errors.py": "from fourfold import Domain\n"}, only="circles")
    assert line == "src/fourfold/errors.py:1: circles: imports fourfold itself"


def test_folders_are_small_but_for_cells(run):
    full = {f"{PACKAGE}/data/file{i}.py": "" for i in range(15)}  # and __init__, domain
    assert run(full, only="folders") == [
        "src/fourfold/data: folders: 17 source files; at most 16 are allowed"
    ]


def test_cells_may_hold_many_files(run):
    assert run({f"{METHODS}/cell/m{i}.py": "" for i in range(20)}, only="folders") == []


LONG = "x = 1\n" * 301


def test_files_are_short(run):
    lines = run({f"{PACKAGE}/errors.py": LONG}, only="sizes")
    assert lines == ["src/fourfold/errors.py: sizes: 301 lines; at most 300 are allowed"]
    assert run({f"{PACKAGE}/errors.py": "x = 1\n" * 300}, only="sizes") == []


def test_public_method_files_are_shorter(run):
    lines = run({f"{METHODS}/cell/first.py": "x = 1\n" * 151}, only="methods")
    assert lines == [
        "src/fourfold/methods/cell/first.py: methods: 151 lines; at most 150 are allowed"
    ]
    assert run({f"{METHODS}/cell/first.py": "x = 1\n" * 150}, only="methods") == []
    assert run({f"{METHODS}/cell/_shared.py": LONG}, only="methods") == []


@pytest.mark.parametrize(
    ("table", "rule", "path"),
    [
        ("long_files", "sizes", f"{PACKAGE}/errors.py"),
        ("long_methods", "methods", f"{METHODS}/cell/first.py"),
        ("foreign", "probing", f"{PACKAGE}/errors.py"),
    ],
)
def test_exceptions_need_a_reason_and_a_use(run, table, rule, path):
    def settings(reason, *paths):
        entries = "\n".join(f'"{one}" = "{reason}"' for one in paths)
        return {"pyproject.toml": f"[tool.fourfold.house.{table}]\n{entries}\n"}

    bad = {path: f"{LONG}hasattr(x, 'y')\n"}
    assert len(run(bad, only=rule)) == 1
    assert run(bad | settings("one table", path), only=rule) == []
    (line,) = run(bad | settings(" ", path), only=rule)
    assert "gives no reason" in line
    (line,) = run(bad | settings("one table", path, f"{PACKAGE}/data/domain.py"), only=rule)
    assert "needs no exception" in line


def test_exceptions_are_few(run):
    files = {f"{PACKAGE}/data/long{i}.py": LONG for i in range(6)}
    entries = "\n".join(f'"{path}" = "one table"' for path in files)
    settings = {"pyproject.toml": f"[tool.fourfold.house.long_files]\n{entries}\n"}
    (line,) = run(files | settings, only="sizes")
    assert line == "pyproject.toml: sizes: long_files has 6 entries; at most 5"


@pytest.mark.parametrize(
    "question",
    [
        "hasattr(x, 'fit')",
        "vars(x).get('task_')",
        "vars(x).get('task_', None)",
        "x.__dict__.get('task_')",
        "getattr(x, 'task_', None)",
    ],
)
def test_objects_are_not_probed(run, question):
    (line,) = run({f"{PACKAGE}/errors.py": f"\ny = {question}\n"}, only="probing")
    assert line == f"src/fourfold/errors.py:2: probing: a type should answer: {question}"


@pytest.mark.parametrize("harmless", ["getattr(x, name, None)", "getattr(x, 'a')", "x.get('a')"])
def test_other_look_ups_are_no_probes(run, harmless):
    assert run({f"{PACKAGE}/errors.py": f"y = {harmless}\n"}, only="probing") == []


@pytest.mark.parametrize("importer", ["second", "_shared"])
def test_no_file_of_the_methods_imports_a_public_method_file(run, importer):
    text = "def late():\n    from fourfold.methods.cell.first import First\n"
    (line,) = run({f"{METHODS}/cell/{importer}.py": text}, only="independence")
    assert line.startswith(f"src/fourfold/methods/cell/{importer}.py:2: independence: imports")


def test_files_above_the_methods_may_import_them(run):
    text = "from fourfold.methods.cell.first import First\n"
    assert run({f"{PACKAGE}/planner.py": text}, only="independence") == []


@pytest.mark.parametrize(
    "line",
    [
        "What can go wrong, each also the builtin that callers already catch.",
        "Return what a fit that is kept from this is given, and asked.",
        "Make rows of whatever a user brings.",
        "How many rows there are.",
        "Where the files are.",
        "Who answers.",
        "Return how large a file is.",
        "Divide by how many labels there are.",
        "Return where a task's models are kept.",
        "Say in which line the fault lies.",
        "Tell whether a folder is a model.",
        "Say if it is one.",
    ],
)
@pytest.mark.parametrize("kind", ["module", "class", "function"])
def test_first_lines_are_one_main_clause(run, line, kind):
    head = {"module": "", "class": "class A:\n    ", "function": "def a():\n    "}[kind]
    (found,) = run({f"{PACKAGE}/errors.py": f'{head}"""{line}"""\n'}, only="prose")
    assert found.startswith(f"src/fourfold/errors.py:{2 if head else 1}: prose: ")
    assert found.endswith(f": {line}")


@pytest.mark.parametrize(
    "line",
    [
        "Return the training domains and the held-out rows of this split.",
        "Errors of fourfold, each also a builtin error.",
        "Whether the inputs are texts.",
        "Return whether the file exists.",
        "Folders in which a sub-folder is a class.",
        "Learn features from which the labels follow.",
        "Number of rows.",
        "Find the run; None if there is none.",
        "Say nothing; raise if the folder is full.",
    ],
)
def test_field_terms_pass(run, line):
    assert (
        run({f"{PACKAGE}/errors.py": f'"""{line}\n\nWhat follows is free.\n"""\n'}, only="prose")
        == []
    )


def test_programs_of_the_repository_are_read_too(run):
    (line,) = run({"tools/new.py": '"""How it is."""\n'}, only="prose")
    assert line.startswith("tools/new.py:1: prose: ")


def test_unknown_rules_are_refused(tmp_path, capsys):
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    with pytest.raises(SystemExit) as exit_:
        house.main(["--only", "circle"], root=tmp_path)
    assert exit_.value.code == 2
    assert "rules must be among circles, folders, " in capsys.readouterr().err
