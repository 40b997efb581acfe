"""Towers: names of classes as texts, and the vectors of several templates."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold.data.descriptions import Descriptions
from fourfold.errors import DataError
from fourfold.networks.towers import Towers

VECTORS = {"a cat": [3.0, 0.0], "the cat": [0.0, 1.0]}


def towers(prompt=None, most=4):
    def embed(texts):
        return np.array([VECTORS.get(text, [len(text), 1.0]) for text in texts], np.float32)

    def count(texts):
        return sum(len(text.split()) > most for text in texts)

    return Towers(torch.zeros(2, 3), 10.0, embed, count, "digest", prompt)


@pytest.mark.parametrize(
    ("classes", "prompt", "texts"),
    [
        (["cat", "fire_engine"], None, [["a photo of a cat."], ["a photo of a fire engine."]]),
        ({"cat": "one small grey cat", "x_1": "a x_1"}, None, [["one small grey cat"], ["a x_1"]]),
        ({"7": "seven", "8": "an eight"}, None,
         [["a photo of a seven."], ["a photo of a an eight."]]),
        ({"cat": "small cat", "dog": "dog"}, "one {}, two {}",
         [["one small cat, two small cat"], ["one dog, two dog"]]),
        (["cat", "dog"], ("a {}", "the {}"), [["a cat", "the cat"], ["a dog", "the dog"]]),
        ({"7": [1.0, 2.0]}, None, []),
    ],
)  # fmt: skip
def test_classes_are_read_as_texts(classes, prompt, texts):
    assert towers(prompt).texts(Descriptions.of(classes)) == texts


def test_the_directions_of_several_templates_are_averaged_and_so_are_their_lengths():
    (vector,) = towers(("a {}", "the {}")).describe(Descriptions.of(["cat"])).matrix
    np.testing.assert_allclose(vector, np.array([1.0, 1.0]) / 2**0.5 * 2, rtol=1e-6)


def test_one_template_leaves_vectors_as_they_are_and_equal_texts_are_read_once():
    both = Descriptions(["cat", "kitten"], ["a cat", "a cat"])
    assert towers("{}").describe(both).matrix.tolist() == [[3.0, 0.0]] * 2


def test_vectors_of_the_space_stay_and_others_are_refused():
    own = Descriptions.of({"cat": [1.0, 2.0], "dog": [2.0, 1.0]})
    assert towers().describe(own) is own
    for other in ({"cat": [1.0], "dog": [2.0]}, {"cat": {"legs": 4}, "bird": {"legs": 2}}):
        with pytest.raises(DataError, match=r"must be described by names or texts .* of 2 numb"):
            towers().describe(Descriptions.of(other))


def test_an_example_and_truncated_texts_are_said():
    first, second = towers(most=4).notes(Descriptions.of(["cat", "dog"]))
    assert first == "The network reads the classes as texts, such as 'a photo of a cat.'."
    assert second == "2 of 2 texts of classes are truncated."
    assert len(towers(most=5).notes(Descriptions.of(["cat", "dog"]))) == 1
    assert towers().notes(Descriptions.of({"cat": [1.0, 2.0]})) == []
