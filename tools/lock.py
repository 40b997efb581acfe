"""Write or check ``requirements.lock``: ``python -m tools.lock write [--upgrade] | check``.

``write`` keeps the versions that still fit and adds what is new; with ``--upgrade`` it takes the
newest of all. It resolves for every system and every Python version at once, with uv, which is
installed if it is missing. ``check`` works offline.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools.pins import LOCK, digest, needed, normal, read_pins, read_project

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIGEST = re.compile(r"^# pyproject\.toml: sha256 (\w+)$", re.MULTILINE)
_HEADER = """\
# The versions that fourfold is tested with, on Linux and macOS. Written by `make lock`.
# pyproject.toml: sha256 {digest}
"""


def write(root: Path, *, upgrade: bool) -> None:
    """Write the lock: one version of each package, or several with markers, and all hashes."""
    project = read_project(root)
    oldest = re.sub(r"[^\d.]", "", project.python)
    lock = root / LOCK
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / LOCK
        if lock.is_file():
            output.write_bytes(lock.read_bytes())
        command = [
            *("uv", "pip", "compile", "pyproject.toml", "-", "--all-extras"),
            *("--universal", "--python-version", oldest, "--generate-hashes", "--quiet"),
            *("--no-emit-index-url", "--no-emit-find-links", "--no-header"),
            *("--output-file", str(output)),
            *(["--upgrade"] if upgrade else []),
        ]
        module = [sys.executable, "-m"]
        found = subprocess.run([*module, "uv", "--version"], check=False, capture_output=True)
        if found.returncode:
            subprocess.run([*module, "pip", "install", "--quiet", "uv"], check=True)
        build = "\n".join(project.build)
        subprocess.run([*module, *command], check=True, cwd=root, input=build, text=True)
        text = output.read_text(encoding="utf-8")
    lock.write_text(_HEADER.format(digest=digest(project)) + text, encoding="utf-8")


def check(root: Path) -> Iterator[str]:
    """Yield the faults of the lock beside ``pyproject.toml``, without a network."""
    from packaging.requirements import Requirement  # no part of an empty environment

    project = read_project(root)
    text = (root / LOCK).read_text(encoding="utf-8")
    try:
        pins = read_pins(text)
    except ValueError as error:
        yield str(error)
        return
    if _DIGEST.findall(text) != [digest(project)]:
        yield "it was written for other requirements"
    requirements = project.requirements(project.extras)
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
    """Write or check the lock; return the exit code."""
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
    faults = list(check(root))
    for fault in faults:
        print(f"{LOCK}: {fault}; run `make lock`")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
