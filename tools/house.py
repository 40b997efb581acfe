"""Checks of the house: structure and style that no linter knows.

``python -m tools.house [--only circles,sizes]`` reads the source without importing it and prints
one line a violation. Settings and exceptions, each with its reason, stand in ``pyproject.toml``
under ``[tool.fourfold.house]``.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tools.sources import ROOT_PACKAGE, House, Source

MOST_FILES = 16
MOST_LINES = 300
MOST_METHOD_LINES = 150
MOST_LONG_FILES = 5
MOST_LONG_METHODS = 4


class Finding(NamedTuple):
    """A violation: a path relative to the root, a line or 0, and a sentence."""

    path: str
    line: int
    message: str


Rule: TypeAlias = Callable[[House], Iterable[Finding]]


def circles(house: House) -> Iterator[Finding]:
    """Refuse circles of imports: eager, lazy or for types.

    The root package loads every module lazily, so an import of it closes a circle, too.
    """
    paths = {source.module: source.path for source in house.sources}
    graph: dict[str, set[str]] = {}
    for module, imports in house.imports.items():
        for one in imports:
            if one.module == ROOT_PACKAGE:
                yield Finding(paths[module], one.line, f"imports {ROOT_PACKAGE} itself")
        graph[module] = {one.module for one in imports} - {ROOT_PACKAGE}
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            chain = error.args[1][::-1]  # each imports the next, the last is the first
            steps = [_step(house, *pair) for pair in pairwise(chain)]
            message = f"circle of imports: {chain[0]} {' '.join(steps)}"
            yield Finding(paths[chain[0]], 0, message)
            graph[chain[0]].discard(chain[1])
        else:
            return


def _step(house: House, importer: str, imported: str) -> str:
    kinds = [one.kind for one in house.imports[importer] if one.module == imported]
    return f"→ {imported} ({kinds[0]})"


def folders(house: House) -> Iterator[Finding]:
    """Refuse folders of more than 16 source files, cells aside."""
    counts = Counter(source.path.rpartition("/")[0] for source in house.sources)
    for folder, count in counts.items():
        is_cell = folder.split("/")[2:3] == ["methods"] and folder.count("/") > 2
        if count > MOST_FILES and not is_cell:
            yield Finding(folder, 0, f"{count} source files; at most {MOST_FILES} are allowed")


def sizes(house: House) -> Iterator[Finding]:
    """Refuse source files of more than 300 lines, but for a list with reasons."""
    return _too_long(house, house.sources, MOST_LINES, "long_files", MOST_LONG_FILES)


def methods(house: House) -> Iterator[Finding]:
    """Refuse public method files of more than 150 lines, but for a list with reasons."""
    files = [source for source in house.sources if source.is_method]
    return _too_long(house, files, MOST_METHOD_LINES, "long_methods", MOST_LONG_METHODS)


def _too_long(
    house: House, sources: list[Source], limit: int, table: str, most: int
) -> Iterator[Finding]:
    long = {source.path: source.lines for source in sources if source.lines > limit}
    allowed = house.exceptions(table)
    for path, lines in long.items():
        if path not in allowed:
            yield Finding(path, 0, f"{lines} lines; at most {limit} are allowed")
    yield from _bad_exceptions(table, allowed, set(long))
    if len(allowed) > most:
        yield Finding("pyproject.toml", 0, f"{table} has {len(allowed)} entries; at most {most}")


def _bad_exceptions(table: str, allowed: Mapping[str, str], needed: set[str]) -> Iterator[Finding]:
    for path, reason in allowed.items():
        if path not in needed:
            yield Finding("pyproject.toml", 0, f"{table} names {path}, which needs no exception")
        if not str(reason).strip():
            yield Finding("pyproject.toml", 0, f"{table} gives no reason for {path}")


def probing(house: House) -> Iterator[Finding]:
    """Refuse questions to objects that a type should answer, but to foreign ones, by file.

    These are ``hasattr(...)``, ``vars(x).get(...)`` and ``getattr(x, "name", default)``.
    """
    allowed = house.exceptions("foreign")
    found = [
        Finding(source.path, node.lineno, f"a type should answer: {ast.unparse(node)}")
        for source in house.sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and _probes(node)
    ]
    yield from (one for one in found if one.path not in allowed)
    yield from _bad_exceptions("foreign", allowed, {one.path for one in found})


def _probes(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        has_default = len(call.args) + len(call.keywords) > 2
        literal = len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
        return function.id == "hasattr" or (function.id == "getattr" and has_default and literal)
    if not isinstance(function, ast.Attribute) or function.attr != "get":
        return False
    asked = function.value
    if isinstance(asked, ast.Call):
        return isinstance(asked.func, ast.Name) and asked.func.id == "vars"
    return isinstance(asked, ast.Attribute) and asked.attr == "__dict__"


def independence(house: House) -> Iterator[Finding]:
    """Refuse imports of one public method file by another file of the methods.

    Shared code goes into a private file of the cell, or into a lower room.
    """
    files = {source.module: source.path for source in house.sources if source.is_method}
    for source in house.sources:
        if source.module.startswith(f"{ROOT_PACKAGE}.methods."):
            for one in house.imports[source.module]:
                if one.module in files:
                    message = f"imports the public method file {files[one.module]}"
                    yield Finding(source.path, one.line, message)


VERBS = (
    "return|say|tell|find|name|show|list|count|write|read|learn|choose|decide|give|compute|print"
    "|yield|ask|know|see|mark|set|note|record|keep"
)
CLAUSES = (
    (r"\b(what|whatever|whoever|whichever)\b", "a free relative clause"),
    (r"^(who|whom|whose|how|where|which)\b", "a clause instead of a noun or verb"),
    (r"^([\w-]+ ){1,2}how\b", "an indirect question"),
    (rf"^({VERBS}) ((in|by|at|on|from|of|to|for) )?(where|who|which)\b", "an indirect question"),
    (r"^(say|tell|ask|know|see|show|find out)\b(.*\bwhether| if)\b", "an indirect question"),
)


def prose(house: House) -> Iterator[Finding]:
    """Refuse free relative clauses and indirect questions in first lines of docstrings.

    A first line is a noun phrase or a verb of the field with one main clause: "Return the training
    domains", not "Return what a fit is given".
    """
    for source in [*house.sources, *house.programs]:
        for node, line in _first_lines(source.tree):
            for pattern, fault in CLAUSES:
                if match := re.search(pattern, line, re.IGNORECASE):
                    yield Finding(source.path, node, f"{fault} ({match[0]!r}): {line}")
                    break


def _first_lines(tree: ast.Module) -> Iterator[tuple[int, str]]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text.split("\n", 1)[0]


RULES: Mapping[str, Rule] = {
    rule.__name__: rule for rule in (circles, folders, sizes, methods, probing, independence, prose)
}


def main(arguments: list[str] | None = None, root: Path = Path()) -> int:
    """Run the rules; return 1 if anything violates them, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tools.house", description=__doc__)
    parser.add_argument("--only", metavar="RULES", help=f"among {','.join(RULES)}")
    only = parser.parse_args(arguments).only
    house = House(root)
    names = only.split(",") if only else list(RULES)
    if unknown := sorted(set(names) - set(RULES)):
        parser.error(f"rules must be among {', '.join(RULES)}; got {', '.join(unknown)}")
    found = [(name, finding) for name in names for finding in RULES[name](house)]
    for name, finding in found:
        line = f":{finding.line}" if finding.line else ""
        print(f"{finding.path}{line}: {name}: {finding.message}")
    counts = {name: sum(one == name for one, _ in found) for name in names}
    print(f"house: {', '.join(f'{name} {count}' for name, count in counts.items())}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
