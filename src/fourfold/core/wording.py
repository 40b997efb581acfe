"""Names of scores as the field writes them."""

from __future__ import annotations

from typing import Final

__all__ = ["in_words"]

WRITTEN: Final = {
    "auc": "AUC",
    "brier": "Brier score",
    "f1": "F1",
    "h_score": "H-score",
    "mae": "MAE",
    "nmi": "NMI",
    "r2": "R²",
}
"""Names that are written in a way of their own."""


def in_words(name: str) -> str:
    """Return the name of a score in words.

    Examples
    --------
    >>> in_words("balanced_accuracy"), in_words("auc")
    ('balanced accuracy', 'AUC')
    """
    return WRITTEN.get(name, name.replace("_", " "))
