"""Locked versions are installed by hash; a PyTorch that was there before stays."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from tools import install
from tools.pins import LOCK

PROJECT = """\
[build-system]
requires = ["hatchling"]
[project]
requires-python = ">=3.11"
dependencies = ["numpy>=2", "torch>=2.6"]
[project.optional-dependencies]
demo = ["mlxtend"]
image = ["timm", "torchvision>=0.21"]
new = ["unlocked>=1"]
"""
DEPENDANTS = {
    "hatchling": "",
    "mlxtend": "",
    "mpmath": "torch",
    "numpy": "torchvision",
    "nvidia-nccl": "torch",
    "timm": "",
    "torch": "torchvision",
    "torchvision": "timm",
    "triton": "torch",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Install into an environment with some packages; return the code, pip's calls and pins."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    lock = [f"{name}==2.0 \\\n    --hash=sha256:0\n    # via {d}" for name, d in DEPENDANTS.items()]
    (tmp_path / LOCK).write_text("\n".join(lock), encoding="utf-8")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))

    def run_install(*extras: str, **installed: str):
        calls, pins = [], []

        def version(name: str) -> str:
            if name not in installed:
                raise importlib.metadata.PackageNotFoundError(name)
            return installed[name]

        def pip(command: list[str], *, check: bool) -> None:
            assert check
            assert command[:4] == [sys.executable, "-m", "pip", "install"]
            assert "--no-deps" in command
            calls.append(command)
            if "--require-hashes" in command:
                text = Path(command[-1]).read_text(encoding="utf-8")
                assert text.count("--hash=") == text.count("==")
                pins.extend(line.split("==")[0] for line in text.splitlines() if "==" in line)
                if "torch" in pins:
                    installed["torch"] = "2.0"

        monkeypatch.setattr(importlib.metadata, "version", version)
        monkeypatch.setattr(install.subprocess, "run", pip)
        return install.main(extras, tmp_path), calls, pins

    return run_install


CORE = {"hatchling", "numpy"}
TORCH = {"torch", "triton", "nvidia-nccl"}


def test_an_empty_environment_gets_core_and_extras_and_fourfold(run):
    code, (locked, editable), pins = run("demo")
    assert code == 0
    assert set(pins) == CORE | TORCH | {"mpmath", "mlxtend"}
    assert "--require-hashes" in locked
    assert "--editable" in editable
    assert "--no-build-isolation" in editable  # what builds it is locked, too


def test_without_extras_only_the_core_is_installed(run):
    assert set(run()[2]) == CORE | TORCH | {"mpmath"}


def test_a_torch_that_was_there_stays_with_its_libraries(run, capsys):
    code, _, pins = run("demo", torch="2.13.0+cpu")
    assert code == 0
    assert set(pins) == CORE | {"mpmath", "mlxtend"}
    assert "torch 2.13.0+cpu stays" in capsys.readouterr().out


def test_so_does_its_torchvision(run):
    code, _, pins = run("image", torch="2.13.0+cpu", torchvision="0.28.0+cpu")
    assert code == 0
    assert set(pins) == CORE | {"mpmath", "timm"}


def test_a_torchvision_of_another_build_is_not_put_beside_it(run, capsys):
    code, calls, _ = run("demo", "image", torch="2.13.0+cpu")
    assert (code, calls) == (2, [])
    error = capsys.readouterr().err
    assert "torch 2.13.0+cpu was in the environment before and stays" in error
    assert "extra image needs the torchvision of the same build" in error


def test_a_torch_that_pyproject_refuses_is_replaced(run):
    assert set(run(torch="2.5.1")[2]) >= TORCH


def test_the_locked_torch_is_no_foreign_one(run):
    assert set(run("image", torch="2.0")[2]) >= TORCH | {"torchvision"}


def test_a_torch_from_an_earlier_lock_follows_the_lock(run, tmp_path):
    run()
    lock = tmp_path / LOCK
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text.replace("torch==2.0", "torch==2.7"), encoding="utf-8")
    assert (tmp_path / install.MARK).read_text(encoding="utf-8") == "2.0"
    assert set(run(torch="2.0")[2]) >= TORCH


def test_an_unknown_extra_is_refused(run, capsys):
    code, calls, _ = run("demos")
    assert (code, calls) == (2, [])
    assert "extras must be among demo, image, new; got demos" in capsys.readouterr().err


def test_a_requirement_that_is_not_locked_is_refused(run, capsys):
    code, calls, _ = run("new")
    assert (code, calls) == (2, [])
    assert "must have unlocked: run `make lock`" in capsys.readouterr().err


def test_the_exit_code_of_pip_is_passed_on(run, monkeypatch, tmp_path):
    def fail(*arguments):
        raise install.subprocess.CalledProcessError(3, arguments)

    monkeypatch.setattr(install, "_pip", fail)
    assert run("demo")[0] == 3
    assert not (tmp_path / install.MARK).exists()
