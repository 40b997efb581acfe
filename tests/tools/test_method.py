"""The templates of new methods: each writes a method that learns, and a test of it."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from contract import blobs, fitted
from fourfold.methods import cells
from tools import method


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def test_every_cell_has_a_template():
    assert method.cells() == sorted(cells())


@pytest.mark.parametrize("cell", method.cells())
def test_the_template_is_a_method_that_learns(cell, tmp_path):
    path, test = method.write("NewIdea", cell, tmp_path)
    assert (path.name, test.name) == ("new_idea.py", "test_new_idea.py")
    kind = loaded(path).NewIdea
    piles = blobs()
    if cell == "multitask":
        assert kind().fit({"a": piles.source}).score(piles.X, piles.y, task="a") > 0.5
    else:
        assert len(fitted(kind, piles).predict(piles.X)) == len(piles.y)


@pytest.mark.parametrize(
    ("name", "cell", "said"),
    [("coral", "adaptation", "NAME"), ("CORAL", "nowhere", "CELL"), ("../X", "adaptation", "NAME")],
)
def test_bad_names_are_refused(name, cell, said, tmp_path):
    with pytest.raises(ValueError, match=f"^{said} must be"):
        method.write(name, cell, tmp_path)


def test_nothing_is_overwritten(tmp_path):
    method.write("CORAL", "adaptation", tmp_path)
    with pytest.raises(ValueError, match="must not be there yet"):
        method.write("CORAL", "adaptation", tmp_path)
