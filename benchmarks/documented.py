"""Real texts that packages ship: summaries of functions of scipy and torch, by topic."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Final

import pandas as pd

TOPICS: Final = {
    "fft": {"scipy": "scipy.fft", "torch": "torch.fft"},
    "linalg": {"scipy": "scipy.linalg", "torch": "torch.linalg"},
    "special": {"scipy": "scipy.special", "torch": "torch.special"},
    "stats": {"scipy": "scipy.stats", "torch": "torch.distributions"},
}


def described(package: str) -> pd.DataFrame:
    """Return the summary of each function and class, and its topic, in a fixed order.

    Parameters
    ----------
    package
        ``"scipy"`` or ``"torch"``.

    Returns
    -------
    Columns ``text``, no two the same, and ``topic``.
    """
    rows = {}
    for topic, modules in TOPICS.items():
        module = import_module(modules[package])
        for name in sorted(vars(module)):
            thing = getattr(module, name)
            said = inspect.getdoc(thing) if callable(thing) and name[0] != "_" else None
            text = _first(said or "")
            if text:
                rows.setdefault(text, topic)
    return pd.DataFrame({"text": list(rows), "topic": list(rows.values())})


def _first(said: str) -> str:
    """Return the first paragraph of a few words that is no signature; nothing if there is none."""
    for paragraph in re.split(r"\n\s*\n", re.sub(r"^\w[\w.]*\(.*\).*\n", "", said)):
        words = paragraph.split()
        if len(words) >= 4 and not paragraph.lstrip().startswith("Parameters"):
            return " ".join(words)
    return ""
