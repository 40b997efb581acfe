"""Write or check both locks: ``python -m tools.lock write [--upgrade] | check``.

``write`` keeps the versions that still fit and adds what is new; with ``--upgrade`` it takes the
newest of all. It resolves ``requirements.lock`` for every system and every Python version at once,
and ``requirements-lowest.lock``, the lowest versions allowed, for Linux and the oldest Python, with
uv, which is installed if it is missing. ``check`` works offline.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools.pins import LOCK, LOWEST, digest, needed, normal, read_pins, read_project

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIGEST = re.compile(r"^# pyproject\.toml: sha256 (\w+)$", re.MULTILINE)
_HEADERS = {
    LOCK: "The versions that fourfold is tested with, on Linux and macOS",
    LOWEST: "The lowest versions that fourfold allows, for its tests of security, on Linux",
}


def write(root: Path, *, upgrade: bool) -> None:
    """Write the locks: one version of each package, or several with markers, and all hashes."""
    project = read_project(root)
    oldest = re.sub(r"[^\d.]", "", project.python)
    module = [sys.executable, "-m"]
    found = subprocess.run([*module, "uv", "--version"], check=False, capture_output=True)
    if found.returncode:
        subprocess.run([*module, "pip", "install", "--quiet", "uv"], check=True)
    for name, header in _HEADERS.items():
        lock, asked = root / name, "\n".join(project.locked(name))
        how = ["--universal"]
        if name == LOWEST:
            how = ["--resolution", "lowest-direct", "--python-platform", "linux"]
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / name
            if lock.is_file():
                output.write_bytes(lock.read_bytes())
            command = [
                *("uv", "pip", "compile", "-", *how, "--python-version", oldest),
                *("--generate-hashes", "--quiet"),
                *("--no-emit-index-url", "--no-emit-find-links", "--no-header"),
                *("--output-file", str(output)),
                *(["--upgrade"] if upgrade else []),
            ]
            subprocess.run([*module, *command], check=True, cwd=root, input=asked, text=True)
            text = output.read_text(encoding="utf-8")
        head = f"# {header}. Written by `make lock`.\n# pyproject.toml: sha256 {digest(project)}\n"
        lock.write_text(head + text, encoding="utf-8")


def check(root: Path, lock: str = LOCK) -> Iterator[str]:
    """Yield the faults of a lock beside ``pyproject.toml``, without a network."""
    from packaging.requirements import Requirement  # no part of an empty environment

    project = read_project(root)
    text = (root / lock).read_text(encoding="utf-8")
    try:
        pins = read_pins(text)
    except ValueError as error:
        yield str(error)
        return
    if _DIGEST.findall(text) != [digest(project)]:
        yield "it was written for other requirements"
    requirements = project.locked(lock)
    for requirement in map(Requirement, requirements):
        versions = [pin.version for pin in pins if pin.name == normal(requirement.name)]
        if not versions:
            yield f"{requirement.name} is missing"
        for version in versions:
            if not requirement.specifier.contains(version, prereleases=True):
                yield f"{requirement} does not allow version {version}"
    used = set(needed(pins, requirements))
    for pin in pins:
        if pin not in used:
            yield f"{pin.name} is needed by nothing"
        if not pin.hashes:
            yield f"{pin.name} has no hash"


def main(arguments: list[str] | None = None, root: Path = Path()) -> int:
    """Write or check the locks; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.lock", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("write").add_argument("--upgrade", action="store_true")
    commands.add_parser("check")
    options = parser.parse_args(arguments)
    if options.command == "write":
        try:
            write(root, upgrade=options.upgrade)
        except subprocess.CalledProcessError as error:  # uv has said why
            return int(error.returncode)
        return 0
    faults = [f"{lock}: {fault}" for lock in _HEADERS for fault in check(root, lock)]
    for fault in faults:
        print(f"{fault}; run `make lock`")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
