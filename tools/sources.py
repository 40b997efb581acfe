"""Sources of the repository: files, syntax trees, imports, and settings of the checks."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ROOT_PACKAGE = "fourfold"


class Import(NamedTuple):
    """An import of one module of the package by another."""

    module: str
    line: int
    kind: str


@final
@dataclass(frozen=True)
class Source:
    """A Python file.

    Attributes
    ----------
    path
        Path relative to the root, with slashes.
    module
        Dotted name of its module; ``""`` outside ``src``.
    text
        Content.
    """

    path: str
    module: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text, filename=self.path)

    @property
    def lines(self) -> int:
        """Number of lines."""
        return len(self.text.splitlines())

    @property
    def is_method(self) -> bool:
        """Whether it is a public file of a cell: ``methods/<cell>/<name>.py``."""
        parts = self.module.split(".")
        public = not self.path.rpartition("/")[2].startswith("_")
        return public and len(parts) == 4 and parts[:2] == [ROOT_PACKAGE, "methods"]


@final
@dataclass(frozen=True)
class House:
    """A repository: its sources and its settings."""

    root: Path

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The table ``[tool.fourfold.house]``."""
        content = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))
        settings: Mapping[str, Any] = content.get("tool", {}).get(ROOT_PACKAGE, {}).get("house", {})
        return settings

    @cached_property
    def sources(self) -> list[Source]:
        """The files of the package."""
        return [self._read(file) for file in sorted((self.root / "src").rglob("*.py"))]

    @cached_property
    def programs(self) -> list[Source]:
        """The files of the repository's other programs."""
        folders = ("benchmarks", "tools")
        files = [file for folder in folders for file in sorted((self.root / folder).rglob("*.py"))]
        return [self._read(file) for file in files]

    @cached_property
    def imports(self) -> dict[str, list[Import]]:
        """Imports between the package's modules, by importer: eager, lazy and for types."""
        modules = {source.module for source in self.sources}
        return {source.module: list(_imports(source, modules)) for source in self.sources}

    def exceptions(self, name: str) -> dict[str, str]:
        """Return the paths, with reasons, that a table of the settings exempts."""
        return dict(self.settings.get(name, {}))

    def _read(self, file: Path) -> Source:
        path = file.relative_to(self.root)
        parts = path.with_suffix("").parts
        module = ".".join(parts[1:]).removesuffix(".__init__") if parts[0] == "src" else ""
        return Source(path.as_posix(), module, file.read_text(encoding="utf-8"))


def _imports(source: Source, modules: set[str]) -> Iterator[Import]:
    types = {id(node) for block in _type_blocks(source.tree) for node in ast.walk(block)}
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    lazy = {
        id(inner)
        for node in ast.walk(source.tree)
        if isinstance(node, functions)
        for inner in ast.walk(node)
    }
    for node in ast.walk(source.tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        kind = "for types" if id(node) in types else "lazy" if id(node) in lazy else "eager"
        for name in _imported_names(node, source):
            module = name if name in modules else name.rpartition(".")[0]
            if module in modules and module != source.module:
                yield Import(module, node.lineno, kind)


def _type_blocks(tree: ast.Module) -> list[ast.If]:
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    return [block for block in blocks if ast.unparse(block.test).endswith("TYPE_CHECKING")]


def _imported_names(node: ast.Import | ast.ImportFrom, source: Source) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    package = source.module.split(".")
    if not source.path.endswith("__init__.py"):
        package = package[:-1]
    above = package[: len(package) - node.level + 1] if node.level else []
    origin = ".".join([*above, *([node.module] if node.module else [])])
    return [f"{origin}.{alias.name}" for alias in node.names]
