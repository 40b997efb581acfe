"""Cases: few labels of a target, a source, rows to judge on, and the network that all sides use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.pretrained import languages, pictures, speech, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.pretrained.case import Case

__all__ = ["CASES", "group_of", "make"]

SEEDS: Final = 5


def _every() -> Iterator[tuple[str, Callable[[], Case]]]:
    """Yield names and draws, the first draws of everything first."""
    for seed in range(SEEDS):
        kinds: tuple[tuple[str, Any, Any, tuple[int, ...]], ...] = (
            ("speech", speech.draw, speech.SPEAKERS, speech.SHOTS),
            ("languages", languages.draw, languages.LANGUAGES, languages.SHOTS),
            ("emoji", pictures.draw, ("styles",), pictures.SHOTS),
            ("texts", texts.draw, texts.PAIRS, texts.SHOTS),
        )
        for kind, draw, parts, shots in kinds:
            for k in shots:
                for part in parts:
                    yield f"{kind}/{k}/{part}/{seed}", lambda d=draw, a=(part, k, seed): d(*a)  # type: ignore[misc]


CASES: Final = dict(_every())
"""Name, as ``emoji/5/styles/0`` → what draws it: kind, labels a class, part, seed."""


def make(name: str) -> Case:
    """Draw a case."""
    return CASES[name]()


def group_of(name: str) -> str:
    """Return kind and labels a class, over which means are taken."""
    return "/".join(name.split("/")[:2])
