"""Sentences of the library in the words of the command line."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fourfold.cli.flags import with_flags
from fourfold.methods import cells
from fourfold.methods.cell import Facts


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("jobs must be at least 1; got 0", "--jobs must be at least 1; got 0"),
        ("steps of Recipe must be a whole number", "--steps must be a whole number"),
        ("alpha of L2SP must lie in [0, inf)", "alpha of L2SP must lie in [0, inf)"),
        ("the number of jobs must be 1", "the number of jobs must be 1"),
        ("got 0: generalized=True lets the others in", "got 0: --generalized lets the others in"),
        ("epochs must be left out beside steps; got both",
         "--epochs must be left out beside --steps; got both"),
        ("share one (max_categories=256)", "share one (--max-categories 256)"),
        ("class_weight must be taken", "--class-weight must be taken"),
        ("give their format by dates", "give their format by --dates NAME=%d/%m/%Y"),
        ("say missing=-1 if -1", "say --missing-label=-1 if -1"),
        ("or missing=None if it", "or --missing-label '' if it"),
        ("the classes are not described", "the classes are not described (--classes)"),
        ("x must be free for a study", "x must be free for a study"),
        ("labels of two classes, or a study", "labels of two classes, or a study (--study)"),
        ("are labels in a column (--label)?", "are labels in a column (--label)?"),
    ],
)  # fmt: skip
def test_flags_stand_for_parameters(sentence, told):
    assert with_flags(sentence) == told
    assert with_flags(told) == told


def test_reasons_of_the_map_name_a_flag_that_opens_the_cell(fourfold, tmp_path):
    np.savez(tmp_path / "a.npz", X=np.eye(4), y=[0, 1, 0, 1])
    np.savez(tmp_path / "b.npz", X=np.eye(4))
    said = fourfold("map", "--source", tmp_path / "a.npz", "--target", tmp_path / "b.npz")
    told = " ".join(said.out.split())
    assert (
        "multitask no the data are a source and a target, not tasks that all matter (--task)"
        in told
    )
    assert "zeroshot no the classes are not described (--classes)" in told


def test_the_library_s_own_reasons_name_no_flag():
    facts = Facts(4, 0, 4, strange=(), unseen=(), numbers=False, described=False)
    reasons = [cell.applies(facts).reason for cell in cells().values()]
    assert not re.search(r"--\w", " ".join(reasons))
    assert any(with_flags(reason) != reason for reason in reasons)
