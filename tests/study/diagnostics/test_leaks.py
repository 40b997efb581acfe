"""What makes a zero-shot figure too good is said."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain
from fourfold.study.diagnostics.leaks import leaks

X = np.arange(12.0).reshape(6, 2)
SEEN = Domain(X, ["wolf", "Deer", "church bell"] * 2, classes={
    "wolf": {"legs": 4, "hoofs": 0}, "Deer": {"legs": 4, "hoofs": 1},
    "church bell": {"legs": 0, "hoofs": 0},
})  # fmt: skip


def target(name="crow", y=None, **described):
    return Domain(X + 20, y, classes={name: described or {"legs": 2, "hoofs": 0}})


def test_nothing_is_said_where_all_is_well():
    assert leaks(SEEN, target(), Domain(X + 40, ["crow"] * 6)) == []


@pytest.mark.parametrize("name", ["Wolf", "wolves", " WOLF ", "church-bells", "deers", "Déer"])
def test_another_spelling_is_found(name):
    [said] = leaks(SEEN, target(name))
    assert said.startswith(f"unseen class {name!r} has examples as ")


@pytest.mark.parametrize("name", ["were", "does", "bell", "wolverine"])
def test_other_words_are_let_be(name):
    assert leaks(SEEN, target(name)) == []


def test_a_twin_of_a_seen_class_is_found():
    [said] = leaks(SEEN, target("moose", legs=4, hoofs=1))
    assert said == "unseen class 'moose' is described as the seen class 'Deer' is."


def test_labels_of_unseen_classes_are_named():
    [said] = leaks(SEEN, target(y=["crow"] * 6))
    assert "labels of unseen classes, 'crow'" in said


def test_vectors_and_texts_are_compared_too():
    words = Domain(X, [1, 2] * 3, classes={1: [0.5, 1.0], 2: [2.0, 2.0]})
    [said] = leaks(words, Domain(X + 20, classes={3: [2.0, 2.0]}))
    assert "3 is described as the seen class 2" in said
    texts = Domain(X, ["a", "b"] * 3, classes={"a": "it is small", "b": "it is large"})
    [said] = leaks(texts, Domain(X + 20, classes={"zebra": "it is large"}))
    assert "'zebra' is described as the seen class 'b'" in said
