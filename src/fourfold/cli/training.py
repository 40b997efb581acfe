"""Options of training from the command line, as changes of each method's recipe."""

from __future__ import annotations

from typing import Any

__all__ = ["recipe_changes"]


def recipe_changes(augment: bool | None, **given: Any) -> dict[str, Any] | None:
    """Return the changes of each method's recipe that options ask for; None without any."""
    changes = {name: value for name, value in given.items() if value is not None}
    if augment is not None:
        from fourfold.training.augmentation import Augmentation

        changes["augment"] = Augmentation() if augment else None
    return changes or None
