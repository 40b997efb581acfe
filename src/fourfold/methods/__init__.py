"""Methods: one folder a cell of the map, one public file a method.

A folder declares its cell as ``CELL``; a class in the ``__all__`` of a public file is a method of
that cell, or one of its baselines. The source is parsed, not imported, so that the map can be shown
before anything heavy is loaded.
"""

from __future__ import annotations

import ast
import importlib
import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import lazy_loader

from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.methods.cell import Cell

__all__ = [
    "BASELINES",
    "MethodEntry",
    "cells",
    "competing",
    "find",
    "methods_of",
    "modules",
    "table",
]

BASELINES: Final = "baselines"
"""The folder of the baselines that several cells share; it is no cell."""
PUBLIC: Final = re.compile(r"^__all__ = [\[(](.*?)[\])]", re.MULTILINE | re.DOTALL)
"""The list of public names in a file's source."""


@final
class MethodEntry(NamedTuple):
    """A method, before it is imported.

    Attributes
    ----------
    name
        Class name.
    cell
        Folder: a cell of the map, or ``"baselines"``.
    module
        Dotted name of its module.
    summary
        First line of its docstring.
    needs
        Keywords of its ``needs``, as far as the class sets them.
    """

    name: str
    cell: str
    module: str
    summary: str
    needs: Mapping[str, int]

    def load(self) -> type[Any]:
        """Import the class."""
        method: type[Any] = vars(importlib.import_module(self.module))[self.name]
        return method

    @property
    def is_baseline(self) -> bool:
        """Whether it is a baseline of its own cell, or one that several cells share."""
        return self.cell == BASELINES or self.name in cells()[self.cell].baselines


@cache
def cells() -> Mapping[str, Cell]:
    """Return the cells by folder name, in the order of the map."""
    folders = [file.parent.name for file in Path(__file__).parent.glob("*/__init__.py")]
    declared = [
        importlib.import_module(f"{__name__}.{name}").CELL._replace(name=name)
        for name in folders
        if name != BASELINES
    ]
    return {cell.name: cell for cell in sorted(declared, key=lambda cell: cell.position)}


@cache
def table() -> Mapping[str, MethodEntry]:
    """Return every method by class name, in the order of the folders."""
    entries = [entry for file, names in _files().items() for entry in _entries(file, names)]
    return {entry.name: entry for entry in entries}


@cache
def modules() -> Mapping[str, list[str]]:
    """Return the classes of every method's module by its dotted name, in the order of folders."""
    return {_dotted(file): names for file, names in _files().items()}


def competing(cell: str) -> list[str]:
    """Return the class names of the methods of a cell, without its baselines."""
    own = [e.name for e in table().values() if e.cell == cell and not e.is_baseline]
    return [*cells()[cell].also, *own]


def find(name: str) -> MethodEntry:
    """Return a method by its class name, in any case.

    Raises
    ------
    ParameterError
        If there is none of that name.
    """
    for entry in table().values():
        if entry.name.lower() == name.lower():
            return entry
    if near := get_close_matches(name, table(), n=1):
        raise ParameterError(f"methods must be names of methods, such as {near[0]}; got {name!r}")
    raise ParameterError(f"methods must be among {', '.join(table())}; got {name!r}")


def methods_of(package: str) -> tuple[Any, Any, list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a cell, with its methods by name.

    Methods are imported when they are first used.
    """
    own = {module: names for module, names in modules().items() if module.startswith(f"{package}.")}
    found = {module.rpartition(".")[2]: names for module, names in own.items()}
    getter, lister, public = lazy_loader.attach(package, submod_attrs=found)
    return getter, lister, public


@cache
def _files() -> Mapping[Path, list[str]]:
    """Return the public files with their ``__all__``, found without parsing: it takes 1 ms."""
    files = sorted(Path(__file__).parent.glob("*/[!_]*.py"))
    found = {file: PUBLIC.search(file.read_text(encoding="utf-8")) for file in files}
    return {file: re.findall(r"\w+", listed[1]) for file, listed in found.items() if listed}


def _dotted(file: Path) -> str:
    return f"{__name__}.{file.parent.name}.{file.stem}"


def _entries(file: Path, names: list[str]) -> list[MethodEntry]:
    tree, cell = ast.parse(file.read_text(encoding="utf-8")), file.parent.name
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in names]
    summaries = [(ast.get_docstring(node) or "").partition("\n")[0] for node in found]
    return [
        MethodEntry(node.name, cell, _dotted(file), summary, _needs(node))
        for node, summary in zip(found, summaries, strict=True)
    ]


def _needs(node: ast.ClassDef) -> dict[str, int]:
    """Read the keywords of ``needs: ClassVar[Needs] = Needs(source=True, ...)``."""
    fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
    calls = [part.value for part in fields if ast.unparse(part.target) == "needs"]
    return {
        str(keyword.arg): ast.literal_eval(keyword.value)
        for call in calls
        if isinstance(call, ast.Call)
        for keyword in call.keywords
    }
