"""The locks fit pyproject; whatever does not is found offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import lock
from tools.pins import LOCK, LOWEST, digest, read_project

PROJECT = """\
[build-system]
requires = ["hatchling"]
[project]
requires-python = ">=3.11"
dependencies = ["numpy>=2"]
[project.optional-dependencies]
demo = ["Ml_Xtend[all]>=0.23"]
dev = ["pytest>=8"]
text = ["tokenizers>=0.22"]
"""
LOWEST_PINS = """\
hatchling==1.0 \\
    --hash=sha256:aa
numpy==2.0 \\
    --hash=sha256:ca
pytest==8.0 \\
    --hash=sha256:fa
tokenizers==0.22 \\
    --hash=sha256:0a
"""
PINS = """\
hatchling==1.0 \\
    --hash=sha256:aa
ml-xtend==0.25 \\
    --hash=sha256:ba
numpy==2.4 \\
    --hash=sha256:ca
    # via scipy
pytest==9.0 \\
    --hash=sha256:fa
scipy==1.17 ; python_full_version < '3.12' \\
    --hash=sha256:da
    # via ml-xtend
scipy==1.18 ; python_full_version >= '3.12' \\
    --hash=sha256:db
    # via ml-xtend
tokenizers==0.23 \\
    --hash=sha256:0b
"""


@pytest.fixture
def faults(tmp_path, capsys):
    """Check a lock; return the lines that are printed."""

    def check(
        pins: str = PINS, project: str = PROJECT, written_for: str = "", lowest: str = LOWEST_PINS
    ) -> list[str]:
        (tmp_path / "pyproject.toml").write_text(written_for or project, encoding="utf-8")
        head = f"# pyproject.toml: sha256 {digest(read_project(tmp_path))}\n"
        (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
        (tmp_path / LOCK).write_text(head + pins, encoding="utf-8")
        (tmp_path / LOWEST).write_text(head + lowest, encoding="utf-8")
        code = lock.main(["check"], tmp_path)
        lines = capsys.readouterr().out.splitlines()
        assert code == bool(lines)
        assert all(
            one.startswith((f"{LOCK}: ", f"{LOWEST}: ")) and one.endswith("; run `make lock`")
            for one in lines
        )
        return [one.removeprefix(f"{LOCK}: ").removesuffix("; run `make lock`") for one in lines]

    return check


def test_a_lock_that_fits_has_no_faults(faults):
    assert faults() == []


def test_changed_requirements_are_found_by_their_digest(faults):
    changed = PROJECT.replace("numpy>=2", "numpy>=2.1")
    stale = "it was written for other requirements"
    assert faults(project=changed, written_for=PROJECT)[:2] == [stale, f"{LOWEST}: {stale}"]


def test_versions_out_of_range_are_found(faults):
    changed = PROJECT.replace("numpy>=2", "numpy>=2,<2.4")
    assert faults(project=changed) == ["numpy<2.4,>=2 does not allow version 2.4"]


def test_the_lowest_versions_are_checked_too(faults):
    pins = LOWEST_PINS.replace("numpy==2.0", "numpy==1.9")
    assert faults(lowest=pins) == [f"{LOWEST}: numpy>=2 does not allow version 1.9"]
    whole = LOWEST_PINS + "ml-xtend==0.23 \\\n    --hash=sha256:ba\n"
    assert faults(lowest=whole) == [f"{LOWEST}: ml-xtend is needed by nothing"]


@pytest.mark.parametrize(("name", "line"), [("numpy", "numpy"), ("Ml_Xtend", "ml-xtend")])
def test_missing_requirements_are_found(faults, name, line):
    pins = "\n".join(one for one in PINS.split("\n") if not one.startswith(line))
    assert f"{name} is missing" in faults(pins.replace("    --hash=sha256:ba\n", ""))


def test_pins_that_nothing_needs_are_found(faults):
    stale = "old==1.0 \\\n    --hash=sha256:ea\n    # via older\n"
    assert faults(PINS + stale) == ["old is needed by nothing"]


def test_pins_without_hashes_are_found(faults):
    assert faults(PINS.replace("    --hash=sha256:ca\n", "")) == ["numpy has no hash"]


def test_options_are_found(faults):
    (line,) = faults("--extra-index-url https://example.org\n" + PINS)
    assert "must be a pin, a hash or a comment" in line


def test_writing_asks_uv_for_every_system_and_keeps_versions(tmp_path, monkeypatch, capsys):
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / LOCK).write_text("numpy==2.3\n", encoding="utf-8")
    commands, asked = [], []

    def run(command, **options):
        commands.append(command[2:])
        if "compile" in command:
            asked.append(options["input"].split("\n"))
            output = Path(command[command.index("--output-file") + 1])
            if output.name == LOCK:
                assert output.read_text(encoding="utf-8") == "numpy==2.3\n"
            output.write_text(PINS if output.name == LOCK else LOWEST_PINS, encoding="utf-8")
        return lock.subprocess.CompletedProcess(command, returncode=command[-1] == "--version")

    monkeypatch.setattr(lock.subprocess, "run", run)
    assert lock.main(["write", "--upgrade"], tmp_path) == 0
    _, installed, compiled, lowest = commands
    assert installed == ["pip", "install", "--quiet", "uv"]
    assert compiled[-1] == "--upgrade"
    assert {"--universal", "--generate-hashes", "3.11"} <= set(compiled)
    assert {"lowest-direct", "--generate-hashes", "3.11"} <= set(lowest)
    assert asked[0] == ["hatchling", "numpy>=2", "Ml_Xtend[all]>=0.23", *asked[1][2:][::-1]]
    assert asked[1] == ["hatchling", "numpy>=2", "tokenizers>=0.22", "pytest>=8"]
    assert {"--no-emit-index-url", "--no-emit-find-links"} <= set(compiled)
    monkeypatch.undo()
    assert lock.main(["check"], tmp_path) == 0
    assert capsys.readouterr().out == ""


def test_the_exit_code_of_uv_is_passed_on(tmp_path, monkeypatch):
    def fail(command, **_options):
        raise lock.subprocess.CalledProcessError(2, command)

    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.setattr(lock.subprocess, "run", fail)
    assert lock.main(["write"], tmp_path) == 2
    assert not (tmp_path / LOCK).exists()


@pytest.mark.parametrize("name", [LOCK, LOWEST])
def test_the_locks_of_this_repository_fit(name):
    assert list(lock.check(Path(__file__).parents[2], name)) == []
