"""The methods: one folder a cell of the map, one file a method; baselines beside them.

The tree is the table: what a file lists in ``__all__`` is a method of its folder's cell. It is read
from the source, not imported, so that the map can be shown before anything heavy is loaded.
"""

from __future__ import annotations

import ast
import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BASELINES", "Entry", "find", "table"]

BASELINES: Final = "baselines"
"""The folder of what is no transfer."""


@final
@dataclass(frozen=True)
class Entry:
    """A method, before it is imported.

    Attributes
    ----------
    name
        Its class.
    cell
        Its folder: a cell of the map, or ``"baselines"``.
    module
        Where it is defined.
    summary
        The first line of its docstring.
    needs
        What its ``needs`` say, as far as they say it.
    """

    name: str
    cell: str
    module: str
    summary: str
    needs: Mapping[str, bool]

    def load(self) -> type[Any]:
        """Import its class."""
        method: type[Any] = vars(importlib.import_module(self.module))[self.name]
        return method


@cache
def table() -> Mapping[str, Entry]:
    """Return every method in the tree, by its class name, in the order of the folders."""
    folder = Path(__file__).parent
    files = sorted(folder.glob("*/[!_]*.py"))
    entries = [entry for file in files for entry in _entries(file)]
    return {entry.name: entry for entry in entries}


def find(name: str) -> Entry:
    """Return a method by its class name, in any case.

    Raises
    ------
    ParameterError
        If there is none.
    """
    for entry in table().values():
        if entry.name.lower() == name.lower():
            return entry
    raise ParameterError(f"methods must be among {', '.join(table())}; got {name!r}")


def _entries(file: Path) -> list[Entry]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    public = {
        name.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for name in ast.walk(node.value)
        if isinstance(name, ast.Constant)
    }
    module = f"{__name__}.{file.parent.name}.{file.stem}"
    return [
        Entry(node.name, file.parent.name, module, _first_line(node), _needs(node))
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name in public
    ]


def _first_line(node: ast.ClassDef) -> str:
    return (ast.get_docstring(node) or "").split("\n", 1)[0]


def _needs(node: ast.ClassDef) -> dict[str, bool]:
    """Read what a class sets in ``needs: ClassVar[Needs] = Needs(source=True, ...)``."""
    fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
    calls = [part.value for part in fields if ast.unparse(part.target) == "needs"]
    return {
        str(keyword.arg): bool(ast.literal_eval(keyword.value))
        for call in calls
        if isinstance(call, ast.Call)
        for keyword in call.keywords
    }
