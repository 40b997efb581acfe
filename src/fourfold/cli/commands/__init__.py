"""Commands of the command line, one module each.

A module here imports nothing heavy before its command runs, so that ``fourfold --help`` is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fourfold.cli.commands import cache, export, predict, show_map, study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["COMMANDS"]

COMMANDS: Final[Mapping[str, Callable[..., Any]]] = {
    "map": show_map.show_map,
    "study": study.study,
    "predict": predict.predict,
    "export": export.export,
    "cache": cache.cache,
}
"""Name → command, in the order of the help page."""
