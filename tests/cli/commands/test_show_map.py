"""``fourfold map`` as a user runs it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fourfold.methods import cells
from small_networks import drawings, folder


@pytest.mark.parametrize("columns", [80, 120])
def test_the_bare_map_has_every_cell_and_fits_the_terminal(fourfold, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    said = fourfold("map")
    assert said.code == 0
    for cell in cells().values():
        assert re.search(rf"^{cell.name} ", said.out, re.MULTILINE)
    assert "…" not in said.out
    assert max(map(len, said.out.splitlines())) <= columns


def test_the_map_marks_the_place_of_data(fourfold, data):
    domains = ("--source", data / "source.csv", "--target", data / "target.csv")
    said = fourfold("map", *domains, "--label", "kind")
    assert said.code == 0
    assert re.search(r"you → +finetuning +yes +both have labels", said.out)
    assert "target: 50 rows of 5 columns, 24 labelled in 3 classes" in said.out
    runs, _, asked = " ".join(said.out.split()).partition("Only where they are asked for")
    assert "FineTune" in runs
    assert asked.startswith(" (--methods): AdaBN, CDAN, ")
    assert "CLAP, Contrastive, JointTraining, LinearProbe." in asked
    without = fourfold(
        "map",
        "--source",
        data / "source.csv",
        "--target",
        data / "unlabelled.csv",
        "--label",
        "kind",
    )
    assert re.search(r"you → +adaptation +yes +50 rows of the target without a label", without.out)


def test_descriptions_of_classes_open_the_cell_of_unseen_classes(fourfold, data, tmp_path):
    classes = tmp_path / "classes.csv"
    classes.write_text("name,round,loops\ndigit 0,1,1\ndigit 1,0,0\ndigit 2,0,1\ndigit 8,1,2\n")
    domains = ("--source", data / "source-pictures", "--target", data / "flat-pictures")
    assert re.search(r"you → +zeroshot +yes", fourfold("map", *domains, "--classes", classes).out)
    assert re.search(r"you → +adaptation +yes", fourfold("map", *domains).out)


def test_names_with_brackets_are_shown_as_they_are(fourfold, data, tmp_path):
    copy = tmp_path / "[red]wine.csv"
    copy.write_bytes((data / "target.csv").read_bytes())
    said = fourfold("map", "--source", copy, "--target", copy, "--label", "kind")
    assert "source  [red]wine: 50 rows" in said.out


def test_the_map_says_which_changes_keep_the_labels_of_pictures(fourfold, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (12, 8, 8)).astype(np.uint8)
    for name, classes in {"digits": [3, 8], "animals": ["cat", "dog"]}.items():
        y = np.array(classes)[np.arange(12) % 2]
        np.savez(tmp_path / f"{name}.npz", X=x, y=y)
    digits, animals = (
        " ".join(fourfold("map", "--source", path, "--target", path).out.split())
        for path in (tmp_path / "digits.npz", tmp_path / "animals.npz")
    )
    asked = "Note: Augmentation, where it is asked for (--augment): "
    assert f"{asked}small crops, rotations and colours of pictures; no flips" in digits
    assert f"{asked}crops, flips, rotations and colours of pictures." in animals


def test_names_alone_open_the_cell_of_unseen_classes_beside_a_network_of_two_towers(
    fourfold, tmp_path
):
    pytest.importorskip("transformers", reason="transformers come with 'text'")
    np.save(tmp_path / "new.npy", drawings(6)[0])
    (tmp_path / "names.txt").write_text("left\nright\n")
    data = ("--target", tmp_path / "new.npy", "--classes", tmp_path / "names.txt")
    said = " ".join(fourfold("map", *data, "--network", f"hf:{folder('towers')}").out.split())
    assert "you → zeroshot yes classes are described that have no examples: left, right" in said
    assert "A study runs LabelEmbedding; baselines: Chance." in said
    assert "such as 'a photo of a left.'" in said
