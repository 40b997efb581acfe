"""Numbers, durations and names as text."""

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
    "h_score": "H-score, the harmonic mean of the accuracies on known and on unknown classes",
    "auc": "area under the ROC curve",
    "f1": "F1 of the rarer of two classes, or averaged over classes or answers",
    "log_loss": "log loss, in nats",
    "brier": "Brier score, the squared error of the probabilities",
    "mae": "mean absolute error, in the units of the labels",
    "r2": "R², the explained share of the variance",
    "nmi": "normalized mutual information of clusters and true classes",
    "entropy": "negative entropy of the true classes within clusters, in bits",
    "stability": "stability, the adjusted Rand index of models of two halves of the target",
}


def measure(name: str) -> str:
    """Describe a score in words."""
    return _MEASURES.get(name, name)


def number(value: float, digits: int = 3) -> str:
    """Format a number with fixed decimals, a true minus sign and ``∞``."""
    if math.isnan(value):
        return "unknown"
    size = "∞" if math.isinf(value) else f"{abs(value):.{digits}f}"
    return f"−{size}" if value < 0 and size.strip("0.") else size


def signed(value: float, digits: int = 3) -> str:
    """Format a difference: as :func:`number`, with a plus sign above zero."""
    written = number(value, digits)
    return f"+{written}" if value > 0 and written.strip("0.") else written


def count(value: int) -> str:
    """Format a whole number with narrow spaces between thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def duration(seconds: float) -> str:
    """Format seconds in a fitting unit: ``0.34 s``, ``45 s``, ``3 min 12 s``, ``1 h 2 min``."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plain(value: Any) -> str:
    """Format a setting: text unchanged, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def shorten(text: str, most: int) -> str:
    """Cut a text to at most ``most`` characters, with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def breakable(name: str) -> Markup:
    """Allow line breaks between the words of a class name."""
    return Markup("<wbr>").join(escape(word) for word in re.split(r"(?<=[a-z])(?=[A-Z])", name))
