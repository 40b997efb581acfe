"""Numbers as a person reads them."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from markupsafe import Markup, escape

__all__ = ["breakable", "count", "duration", "measure", "number", "plain", "shorten", "signed"]


_MEASURES: Final = {
    "accuracy": "accuracy",
    "balanced_accuracy": "accuracy, averaged over classes",
    "harmonic_mean": "harmonic mean of the accuracies on seen and on unseen classes",
    "auc": "area under the ROC curve",
    "r2": "R², the share of the variance that is explained",
    "nmi": "normalized mutual information of clusters and true classes",
    "entropy": "entropy of the true classes in a cluster, in bits, below zero",
    "stability": "stability, the adjusted Rand index between models of two halves of the target",
}


def measure(name: str) -> str:
    """Say in words what a score measures."""
    return _MEASURES.get(name, name)


def number(value: float, digits: int = 3) -> str:
    """Write a number with so many decimals, a true minus sign, and ``∞``."""
    if math.isnan(value):
        return "unknown"
    size = "∞" if math.isinf(value) else f"{abs(value):.{digits}f}"
    return f"−{size}" if value < 0 and size.strip("0.") else size


def signed(value: float, digits: int = 3) -> str:
    """Write a difference: as :func:`number`, with its sign also where it is above zero."""
    written = number(value, digits)
    return f"+{written}" if value > 0 and written.strip("0.") else written


def count(value: int) -> str:
    """Write a whole number with its thousands set apart by a space that does not break."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def duration(seconds: float) -> str:
    """Write seconds in the unit that fits: ``0.34 s``, ``45 s``, ``3 min 12 s``, ``1 h 2 min``."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plain(value: Any) -> str:
    """Write a setting: text as it is, anything else as JSON would."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def shorten(text: str, most: int) -> str:
    """Cut a text that is longer than ``most`` characters, and show that it was cut."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def breakable(name: str) -> Markup:
    """Let a browser break the name of a class where a new word begins."""
    return Markup("<wbr>").join(escape(word) for word in re.split(r"(?<=[a-z])(?=[A-Z])", name))
