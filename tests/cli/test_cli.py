"""The program as a whole: a light start, and a help page."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

HEAVY = ("torch", "sklearn", "pandas", "scipy")


@pytest.mark.parametrize("start", ["import fourfold", "--help"])
def test_nothing_heavy_is_loaded_to_begin_with(start):
    command = start
    if start == "--help":
        command = (
            "import runpy, sys; sys.argv = ['fourfold', '--help']\n"
            "try: runpy.run_module('fourfold', run_name='__main__')\n"
            "except SystemExit as stop: assert not stop.code\n"
        )
    ask = f"\nimport sys; print('loaded', [m for m in {HEAVY} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", command + ask], capture_output=True, text=True, check=True
    )
    assert run.stdout.endswith("loaded []\n")


def test_help_names_every_command(fourfold):
    said = fourfold()
    assert said.code == 0
    assert re.findall(r"^  (\w+)  ", said.out, re.MULTILINE) == [
        *("map", "study", "pick", "predict", "export", "cache")
    ]
    assert "..." not in said.out.split("Commands:")[1]
