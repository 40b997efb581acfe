"""Install the locked versions and fourfold: ``python -m tools.install EXTRA ...``.

It runs in the environment that is to be filled. Every file is checked against its hash in
``requirements.lock``; nothing is resolved anew. A PyTorch that was installed before, such as a CPU
build, stays if ``pyproject.toml`` allows its version.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools.pins import LOCK, Pin, Project, needed, normal, read_pins, read_project

if TYPE_CHECKING:
    from collections.abc import Sequence

MARK = "torch-of-the-lock"
"""File in the environment: the version of torch that was installed from the lock."""
_TORCH = re.compile(r"torch|triton|nvidia-.*|cuda-.*")


def choose(
    pins: Sequence[Pin], project: Project, extras: Sequence[str], *, torch: str, torchvision: str
) -> list[Pin]:
    """Choose the pins to install.

    Parameters
    ----------
    torch, torchvision
        Versions in the environment that do not come from the lock; ``""`` if there is none.

    Raises
    ------
    ValueError
        If an extra is unknown, a requirement is not locked, or an extra needs a torchvision that
        the lock has only for its own torch.
    """
    requirements = project.requirements(extras)
    chosen = needed(pins, requirements)
    missing = {normal(one) for one in requirements} - {pin.name for pin in chosen}
    if missing:
        message = f"{LOCK} must have {', '.join(sorted(missing))}: run `make lock`"
        raise ValueError(message)
    if not torch:
        return chosen
    kept = [pin for pin in chosen if not _TORCH.fullmatch(pin.name)]
    if torchvision:
        return [pin for pin in kept if pin.name != "torchvision"]
    asking = [
        extra
        for extra in extras
        if any(pin.name == "torchvision" for pin in needed(pins, project.extras[extra]))
    ]
    if asking:
        message = (
            f"torch {torch} was in the environment before and stays; extra {', '.join(asking)} "
            "needs the torchvision of the same build: install it from the index that torch came "
            "from, then try again"
        )
        raise ValueError(message)
    return kept


def _foreign_torch(pins: Sequence[Pin], project: Project, mark: Path) -> str:
    """Return the version of a torch that stays; ``""`` if the lock's is to be installed."""
    from pip._vendor.packaging.requirements import Requirement

    installed = _installed("torch")
    locked = {pin.version for pin in pins if pin.name == "torch"}
    if mark.is_file():
        locked.add(mark.read_text(encoding="utf-8"))
    if not installed or installed in locked:
        return ""
    asked = [Requirement(one).specifier for one in project.core if normal(one) == "torch"]
    return installed if all(one.contains(installed, prereleases=True) for one in asked) else ""


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *arguments]
    subprocess.run(command, check=True)


def main(extras: Sequence[str], root: Path = Path()) -> int:
    """Install the core, some extras and fourfold; return the exit code."""
    mark = Path(sys.prefix) / MARK
    try:
        pins = read_pins((root / LOCK).read_text(encoding="utf-8"))
        project = read_project(root)
        torch = _foreign_torch(pins, project, mark)
        torchvision = _installed("torchvision") if torch else ""
        chosen = choose(pins, project, extras, torch=torch, torchvision=torchvision)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if torch:
        print(f"torch {torch} stays; the other packages are installed from {LOCK}")
    try:
        _install(chosen, root)
    except subprocess.CalledProcessError as error:  # pip has said why
        return int(error.returncode)
    if not torch:
        mark.write_text(_installed("torch"), encoding="utf-8")
    return 0


def _install(pins: Sequence[Pin], root: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / LOCK
        file.write_text("\n".join(pin.requirement for pin in pins) + "\n", encoding="utf-8")
        _pip("--require-hashes", "--requirement", str(file))
    _pip("--no-build-isolation", "--editable", str(root))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
