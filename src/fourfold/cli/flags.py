"""Flags in place of the library's parameters, in every sentence that the command line prints."""

from __future__ import annotations

import re
import shlex
from ast import literal_eval
from typing import Final

__all__ = ["option", "with_flags"]

PARAMETERS: Final = (
    *(
        "clusters",
        "decimal",
        "ema",
        "encoder",
        "epochs",
        "folds",
        "jobs",
        "layout",
        "methods",
        "metric",
        "network",
    ),
    *("seeds", "steps", "task", "threads"),
)
"""Parameters with a flag of the same name."""
SUBJECT: Final = re.compile(rf"^({'|'.join(PARAMETERS)})(?: of Recipe)? must\b")
TEXT: Final = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
SAID: Final = re.compile(
    rf"\b(label|label_type|missing_label|numbers|categories|text|drop|keep|layout)"
    rf"=({TEXT}|\((?:{TEXT},? ?)+\))"
)
"""What one would say in Python, about columns and labels."""
PHRASES: Final = {
    "(augment)": "(--augment)",
    "allow_overlap=True": "--allow-overlap",
    "beside steps": "beside --steps",
    "missing=-1 if": "--missing-label=-1 if",
    "missing=None if": "--missing-label '' if",
    "n must lie": "-n must lie",
    "or a study": "or a study (--study)",
    "strategy must": "--strategy must",
    "study must be the folder": "--study must be the folder",
    "class_weight must": "--class-weight must",
    "force=True": "--force",
    "format by dates": "format by --dates NAME=%d/%m/%Y",
    "give groups if": "give groups (--group) if",
    "backtest must": "--backtest must",
    "beside open_set": "beside --open-set",
    "generalized, open_set and": "--generalized, --open-set and",
    "generalized=True": "--generalized",
    "(open_set)": "(--open-set)",
    "open_set=True": "--open-set",
    "open_set must stand": "--open-set must stand",
    "say metric='accuracy'": "say --metric accuracy",
    "label_type": "--label-type",
    "labels in a column": "labels in a column (--label)",
    "not tasks that all matter": "not tasks that all matter (--task)",
    "the classes are not described": "the classes are not described (--classes)",
    "(max_categories=256)": "(--max-categories 256)",
    "max_categories must": "--max-categories must",
    "generalized must": "--generalized must",
    "max_memory": "--max-memory",
    "max_source_rows must": "--max-source-rows must",
    "minutes must": "--minutes must",
    "missing must": "--missing must",
    "missing ones by missing_label": "missing ones by --missing-label",
    "only one has (drop)": "only one has (--drop)",
    "or classes by their names": "or classes by their names (--classes)",
    "prompt of Pretrained must": "--prompt must",
    "recipe must be taken": "--epochs, --steps, --augment, --ema or --range-test must be taken",
    "to judge on": "to judge on (--evaluate)",
    "to learn from, and": "to learn from (--source or --target), and",
    "resume=True": "--resume",
    "word vectors for the names": "word vectors for the names (--vectors)",
}
"""Phrases of the library → the same with the flag."""


def with_flags(sentence: str) -> str:
    """Name the flags to use in a sentence of the library.

    Examples
    --------
    >>> with_flags("seeds must be at least 1; got 0")
    '--seeds must be at least 1; got 0'
    >>> with_flags("the classes are not described")
    'the classes are not described (--classes)'
    """
    sentence = SAID.sub(_typed, SUBJECT.sub(r"--\1 must", sentence))
    for phrase, told in PHRASES.items():
        if told not in sentence:
            start = r"\b" if phrase[0].isalpha() else ""
            sentence = re.sub(start + re.escape(phrase), told, sentence)
    return sentence


def option(name: str, value: str) -> str:
    """Write an option with its value, as a shell takes it.

    Examples
    --------
    >>> option("missing_label", "-1")
    '--missing-label=-1'
    """
    sign = "=" if value.startswith("-") else " "
    return f"--{name.replace('_', '-')}{sign}{shlex.quote(value)}"


def _typed(said: re.Match[str]) -> str:
    values = literal_eval(said[2])
    return option(said[1], values if isinstance(values, str) else ",".join(values))
