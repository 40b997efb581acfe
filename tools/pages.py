"""Write the generated parts of the documentation: ``python -m tools.pages [--check]``.

These are the map in ``README.md`` and ``README.zh-CN.md``, between ``<!-- map -->`` and
``<!-- /map -->``, made from the cells and methods and the words in ``tools/words.toml``; and
``docs/reference.md``, made from ``fourfold.__all__``. With ``--check`` nothing is written.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import fourfold
from fourfold.methods import cells, table
from tools.sources import House

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fourfold.methods import MethodEntry
    from fourfold.methods.cell import Cell
    from tools.sources import Source


class Language(NamedTuple):
    """A README: its file, the columns of its table, and its punctuation."""

    key: str
    readme: str
    columns: Sequence[str]
    comma: str
    note: str


GROUPS: Final = (
    ("Data", ("data", "readers", "preparation")),
    ("Transformers and indices", ("algorithms",)),
    ("Networks", ("networks", "frozen")),
    ("Tasks and training", ("core", "training")),
    ("Studies", ("study", "picking", "planner", "report")),
    ("Models", ("bundle", "estimators", "methods")),
    ("Errors", ("errors",)),
)
"""Sections of the reference besides methods and baselines, with the packages they show."""


@final
class Words:
    """Words of the map, with a record of those that were used."""

    def __init__(self, content: Mapping[str, Mapping[str, Any]]) -> None:
        self._content = content
        self._used: set[tuple[str, str]] = set()

    def phrase(self, english: str, language: Language) -> str:
        """Return a phrase of a cell in a language."""
        chinese: str = self._look_up("phrases", english)
        if language.key == "en":
            return "–" if english == "-" else english
        return chinese

    def baseline(self, cell: str, name: str, language: Language) -> str:
        """Return the words for a baseline of a cell."""
        own = f"{cell}.{name}"
        key = own if own in self._content["baselines"] else name
        found: str = self._look_up("baselines", key)[language.key]
        return found

    def method(self, name: str, language: Language) -> str:
        """Return a method's name with its note, if it has one."""
        if name not in self._content["notes"]:
            return f"`{name}`"
        note = self._look_up("notes", name)[language.key]
        return f"`{name}`{language.note.format(note)}"

    def unused(self) -> list[str]:
        """Return the entries that nothing has asked for."""
        everything = {(part, key) for part, keys in self._content.items() for key in keys}
        return [f"{part}: {key}" for part, key in sorted(everything - self._used)]

    def _look_up(self, part: str, key: str) -> Any:
        self._used.add((part, key))
        if key not in self._content[part]:
            message = f"tools/words.toml must have {key!r} under [{part}]"
            raise ValueError(message)
        return self._content[part][key]


def map_table(
    language: Language, map_: Iterable[Cell], methods: Iterable[MethodEntry], words: Words
) -> str:
    """Return the map as a table in Markdown, a row for each cell."""
    methods = list(methods)
    rows = [language.columns]
    for cell in map_:
        name = f"[`{cell.name}`](docs/{cell.page})" if cell.page else f"`{cell.name}`"
        own = [one.name for one in methods if one.cell == cell.name and not one.is_baseline]
        own = [*cell.also, *own]
        row = (
            *(words.phrase(one, language) for one in (cell.source, cell.target, cell.label_spaces)),
            name,
            language.comma.join(words.method(one, language) for one in own),
            language.comma.join(words.baseline(cell.name, one, language) for one in cell.baselines),
        )
        rows.append(row)
    head, *body = [f"| {' | '.join(row)} |\n" for row in rows]
    return "".join([head, "|---" * len(language.columns) + "|\n", *body])


def replace_map(text: str, table_: str) -> str:
    """Put the map between its marks in a page."""
    block = f"<!-- map -->\n{table_}<!-- /map -->"
    changed, count = re.subn(
        r"<!-- map -->\n.*?<!-- /map -->", lambda _: block, text, flags=re.DOTALL
    )
    if count != 1:
        message = f"a page must have <!-- map --> ... <!-- /map --> once; got it {count} times"
        raise ValueError(message)
    return changed


def reference(
    names: Iterable[str],
    map_: Iterable[Cell],
    methods: Mapping[str, MethodEntry],
    sources: Mapping[str, Source],
) -> str:
    """Return the reference, for mkdocstrings: all methods and public names under headings.

    Raises
    ------
    ValueError
        If a public name has no section, or its definition is not found.
    """
    sections: dict[str, list[str]] = {"Data": []}
    for cell in map_:
        sections[cell.title] = []
    sections["Baselines"] = []
    sections |= {title: [] for title, _ in GROUPS if title not in sections}
    titles = {cell.name: cell.title for cell in map_}
    packages = {package: title for title, group in GROUPS for package in group}
    for entry in methods.values():
        title = "Baselines" if entry.is_baseline else titles[entry.cell]
        sections[title].append(f"{entry.module}.{entry.name}")
    for name in names:
        if name in methods or name in titles:
            continue
        where = definition(sources, "fourfold", name)
        package = where.split(".")[1]
        if package not in packages:
            message = f"GROUPS of tools/pages.py must have a section for {where}"
            raise ValueError(message)
        sections[packages[package]].append(where)
    parts = [
        f"## {title}\n" + "".join(f"::: {one}\n" for one in members)
        for title, members in sections.items()
        if members
    ]
    return "# Reference\n\n<!-- written by `make pages` -->\n\n" + "\n".join(parts)


def definition(sources: Mapping[str, Source], module: str, name: str) -> str:
    """Return the full dotted name of a definition that a module defines, imports or lends lazily.

    Nothing is imported: some modules need an extra.
    """
    tree = sources[module].tree
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return f"{module}.{name}"
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _binds(node, name):
            return f"{module}.{name}"
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module in sources:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return definition(sources, node.module, alias.name)
    for lender, names in _lazy_names(tree):
        if name in names and f"{module}.{lender}" in sources:
            return definition(sources, f"{module}.{lender}", name)
    message = f"{module} must define or import {name}"
    raise ValueError(message)


def _binds(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _lazy_names(tree: ast.Module) -> list[tuple[str, list[str]]]:
    """Return the modules and names in tables for ``lazy_loader.attach``."""
    pairs = [
        (key.value, [one.value for one in value.elts if isinstance(one, ast.Constant)])
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(value, ast.List)
    ]
    return [(str(module), [str(name) for name in names]) for module, names in pairs]


def pages(root: Path) -> dict[str, str]:
    """Return the content that each generated page is to have, by path.

    Raises
    ------
    ValueError
        If words are missing or unused, or a public name has no place.
    """
    content = tomllib.loads((root / "tools/words.toml").read_text(encoding="utf-8"))
    languages = [Language(key, **facts) for key, facts in content.pop("languages").items()]
    words = Words(content)
    map_, methods = list(cells().values()), table()
    result = {}
    for language in languages:
        text = (root / language.readme).read_text(encoding="utf-8")
        rows = map_table(language, map_, methods.values(), words)
        result[language.readme] = replace_map(text, rows)
    if unused := words.unused():
        message = f"tools/words.toml must have only words of the map; got {', '.join(unused)}"
        raise ValueError(message)
    sources = {source.module: source for source in House(root).sources}
    result["docs/reference.md"] = reference(fourfold.__all__, map_, methods, sources)
    return result


def main(arguments: Sequence[str] | None = None, root: Path = Path()) -> int:
    """Write the pages, or check them; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.pages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if out of date")
    check = parser.parse_args(arguments).check
    try:
        wanted = pages(root)
    except ValueError as error:
        print(f"pages: {error}")
        return 1
    stale = [
        path
        for path, text in wanted.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]
    for path in stale:
        if check:
            print(f"{path} is out of date: run `make pages`")
        else:
            (root / path).write_text(wanted[path], encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
