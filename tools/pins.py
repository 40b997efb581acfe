"""The locks: their pins, and the part that a set of extras needs.

``requirements.lock`` holds every version for all extras, Python versions and systems, as ``uv pip
compile --universal`` writes it: ``name==version ; marker``, hashes, and the dependants as comments.
Only the standard library is imported here, because the installer runs in an empty environment.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LOCK = "requirements.lock"
LOWEST = "requirements-lowest.lock"
"""The lowest versions that ``pyproject.toml`` allows, which the tests of security run with."""
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\]+))?")


class Pin(NamedTuple):
    """One version of a package.

    Attributes
    ----------
    name, version, marker
        Normalized name, exact version, and the environments that it is for, maybe ``""``.
    hashes
        Hashes of all its files: ``sha256:...``.
    dependants
        Names of the packages that need it.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    dependants: frozenset[str]

    @property
    def requirement(self) -> str:
        """Lines of a requirements file."""
        marker = f" ; {self.marker}" if self.marker else ""
        hashes = (f"    --hash={one}" for one in self.hashes)
        return " \\\n".join([f"{self.name}=={self.version}{marker}", *hashes])


class Project(NamedTuple):
    """Requirements of ``pyproject.toml``: of the core, of each extra, and to build."""

    python: str
    core: tuple[str, ...]
    extras: Mapping[str, tuple[str, ...]]
    build: tuple[str, ...]

    def locked(self, lock: str) -> list[str]:
        """Return the requirements in a lock: all, or those of reading models, and pytest."""
        if lock == LOCK:
            return self.requirements(self.extras)
        reading = self.requirements({"image", "labels", "text"} & set(self.extras))
        return reading + [one for one in self.extras.get("dev", ()) if normal(one) == "pytest"]

    def requirements(self, extras: Iterable[str]) -> list[str]:
        """Return the requirements of the core, of the build and of some extras."""
        unknown = sorted(set(extras) - set(self.extras))
        if unknown:
            message = f"extras must be among {', '.join(self.extras)}; got {', '.join(unknown)}"
            raise ValueError(message)
        chosen = [one for extra in extras for one in self.extras[extra]]
        return [*self.build, *self.core, *chosen]


def normal(requirement: str) -> str:
    """Return the normalized name of a requirement such as ``Torch_JD[cagrad]>=1``."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    if match is None:
        message = f"a requirement must begin with a name; got {requirement!r}"
        raise ValueError(message)
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def read_project(root: Path) -> Project:
    """Read the requirements in ``pyproject.toml``."""
    content: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    project = content["project"]
    extras = project.get("optional-dependencies", {})
    return Project(
        project["requires-python"],
        tuple(project["dependencies"]),
        {name: tuple(requirements) for name, requirements in extras.items()},
        tuple(content["build-system"]["requires"]),
    )


def digest(project: Project) -> str:
    """Return a digest of the requirements; order within a list does not count."""
    extras = {name: sorted(requirements) for name, requirements in project.extras.items()}
    facts = [project.python, sorted(project.core), extras, sorted(project.build)]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def read_pins(text: str) -> list[Pin]:
    """Read the pins of a lock.

    Raises
    ------
    ValueError
        If a line is no pin, hash or comment, such as an option or the path of a file.
    """
    pins: list[Pin] = []
    for line in text.splitlines():
        stripped = line.strip().removesuffix("\\").strip()
        if match := _PIN.fullmatch(stripped):
            marker = (match["marker"] or "").strip()
            pins.append(Pin(normal(match["name"]), match["version"], marker, (), frozenset()))
        elif stripped.startswith("--hash=") and pins:
            last = pins[-1]
            pins[-1] = last._replace(hashes=(*last.hashes, stripped.removeprefix("--hash=")))
        elif stripped.startswith("#"):
            if line.startswith(" ") and pins:
                dependant = stripped.removeprefix("#").strip().removeprefix("via").strip()
                pins[-1] = _with_dependant(pins[-1], dependant)
        elif stripped:
            message = f"a line of the lock must be a pin, a hash or a comment; got {line!r}"
            raise ValueError(message)
    return pins


def _with_dependant(pin: Pin, dependant: str) -> Pin:
    is_package = re.fullmatch(r"[A-Za-z0-9._-]+", dependant) and not dependant.startswith("-")
    added = {normal(dependant)} if is_package else set()
    return pin._replace(dependants=pin.dependants | added)


def needed(pins: Iterable[Pin], requirements: Iterable[str]) -> list[Pin]:
    """Return the pins that requirements need, directly or through others, in the lock's order."""
    pins = list(pins)
    names = {normal(one) for one in requirements}
    grown = True
    while grown:
        more = {pin.name for pin in pins if pin.dependants & names} - names
        names |= more
        grown = bool(more)
    return [pin for pin in pins if pin.name in names]
