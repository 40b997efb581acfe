"""The file of an index's settings, beside the files of its backend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fourfold.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_settings", "write_settings"]

FORMAT: Final = 1
FILE: Final = "labels.json"


def write_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Write settings as JSON into a folder."""
    about = {"format": FORMAT, **settings}
    (folder / FILE).write_text(json.dumps(about, indent=1), encoding="utf-8")


def read_settings(folder: Path) -> dict[str, Any]:
    """Read the settings in a folder, and refuse those of a newer format."""
    about: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    if about["format"] > FORMAT:
        raise BundleError(
            f"the index of labels in {folder} must be of format {FORMAT} or older; got "
            f"{about['format']}: update fourfold"
        )
    return about
