"""Changes that could change a label are left out."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.data.rows import TextRows, as_rows
from fourfold.preparation.augmenting.rules import rules_for

PICTURES = as_rows(np.zeros((2, 8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("classes", "flips", "colours", "characters"),
    [
        (["cat", "dog"], True, True, False),
        ([0, 1, 7], False, True, True),
        (["a", "B", "ß"], False, True, True),
        (["zero", "Nine"], False, True, True),
        (["digit 0", "digit_8"], False, True, True),
        (["a cat", "a dog"], True, True, False),
        (["arrow left", "arrow-right"], False, True, False),
        (["turned clockwise", "upright"], False, True, False),
        (["red car", "truck"], True, False, False),
        (["copyright", "leftover", "reddish"], True, True, False),
        (["left red"], False, False, False),
    ],
)
def test_names_of_classes_forbid_changes(classes, flips, colours, characters):
    rules = rules_for(PICTURES, classes)
    assert rules.medium == "pictures"
    assert (rules.flips, rules.colours, rules.characters) == (flips, colours, characters)


def test_rules_say_what_they_do_and_why():
    assert rules_for(PICTURES, ["cat", "dog"]).describe() == (
        "crops, flips, rotations and colours of pictures"
    )
    assert rules_for(PICTURES, [3, 5]).describe() == (
        "small crops, rotations and colours of pictures; no flips, since classes are characters or "
        "numbers"
    )
    assert "labels are no classes" in rules_for(PICTURES, None).describe()


@pytest.mark.parametrize(
    ("rows", "medium"),
    [
        (as_rows(np.zeros((2, 8, 8), np.uint8)), "pictures"),
        (as_rows(np.full((2, 3, 8, 8), 0.5, np.float32)), "pictures"),
        (as_rows(np.full((2, 3, 8, 8), -0.5, np.float32)), ""),
        (as_rows(np.zeros((2, 5), np.uint8)), ""),
        (as_rows(np.zeros((2, 3, 90))), ""),
        (TextRows(["a", "b"]), ""),
    ],
)
def test_only_pictures_and_sounds_change(rows, medium):
    assert rules_for(rows, ["cat", "dog"]).medium == medium


def test_sounds_are_spectrograms_or_waves():
    sounds = as_rows(np.zeros((2, 40, 90), np.float32))
    sounds.kind = "sounds"
    assert rules_for(sounds, ["a", "b"]).medium == "spectrograms"
    assert rules_for(sounds, ["a", "b"], (16_000,)).medium == "waves"
    assert "sounds" in rules_for(sounds, ["a", "b"]).describe()
