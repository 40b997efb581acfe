"""Notes on the changes of rows in training: what is asked for, and what could be."""

from __future__ import annotations

import numpy as np

from fourfold import Domain, FineTune, Recipe
from fourfold.networks.builder import Builder
from fourfold.study.asking.augmenting import augmentation_note, possible_augmentation
from fourfold.training.augmentation import Augmentation

X = np.random.default_rng(0).integers(0, 256, (8, 9, 9)).astype(np.uint8)
ANIMALS = Domain(X, np.array(["cat", "dog"])[np.arange(8) % 2])
NUMBERS = Domain(X, np.arange(8) / 7)
ASKS = FineTune(recipe=Recipe(augment=Augmentation()))


class Asking(Builder):
    """A network whose own recipe has augmentation."""

    def _build(self, shape):
        raise NotImplementedError

    @property
    def recipe(self):
        return ASKS.recipe


def test_a_study_says_what_changes():
    (note,) = augmentation_note([ANIMALS.unlabelled(), ANIMALS], [FineTune(), ASKS], None)
    assert note == "Augmentation in training: crops, flips, rotations and colours of pictures."
    assert augmentation_note([ANIMALS], [FineTune()], Asking()) == [note]
    assert augmentation_note([ANIMALS], [FineTune()], None) == []


def test_labels_of_the_source_count_where_the_target_has_none():
    digits = Domain(X, np.arange(8) % 2)
    (note,) = possible_augmentation([digits, digits.unlabelled()])
    assert "no flips, since classes are characters or numbers" in note


def test_numbers_and_other_rows_are_left_alone():
    (note,) = augmentation_note([NUMBERS], [ASKS], None)
    assert note.startswith("Augmentation in training: none: labels are no classes")
    assert possible_augmentation([NUMBERS]) == []
    assert possible_augmentation([Domain(np.zeros((4, 3)), [0, 1, 0, 1])]) == []
