"""Kinds of labels are settled over all domains together."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain
from fourfold.data.kinds import kind_difference, label_kind, settle_labels
from fourfold.errors import DataError


def pile(y, name="", **options):
    return Domain(np.zeros((len(y), 1)), y, name=name, **options)


PRICES = pile(np.arange(600) * 7 + 120)
FEW = pile([155, 190, 225, 260, 155])


def test_few_whole_numbers_beside_measurements_are_measurements():
    assert label_kind(FEW) == "classes"
    assert label_kind(FEW, PRICES) == "numbers"
    ages = pile(np.arange(70) + 18)
    assert label_kind(pile([18, 25, 40, 40]), ages) == "numbers"
    ratings = pile([1.0, 2.5, 3.0, 4.5, 5.0])
    assert label_kind(pile([1, 2, 3, 5, 4]), ratings) == "numbers"
    assert label_kind(pile([10, 14, 15]), pile([50.5, 60.0, 71.2])) == "numbers"


@pytest.mark.parametrize("codes", [[0, 1, 1, 0], [0, 1, 2], [1, 2, 3], ["a", "b"], [True, False]])
def test_codes_of_classes_stay_classes_beside_measurements(codes):
    assert label_kind(pile(codes), PRICES) == "classes"


def test_described_classes_are_no_measurements():
    described = pile([155, 190], classes={155: [0.0], 190: [1.0]})
    assert label_kind(described, PRICES) == "classes"


def test_many_codes_from_one_on_are_classes_and_others_measurements():
    assert label_kind(pile(np.arange(60) + 1)) == "classes"
    assert label_kind(pile(np.arange(60) + 18)) == "numbers"


def test_few_answers_beside_numbers_are_numbers():
    assert label_kind(pile([[0, 1], [1, 1]])) == "yes-no"
    assert label_kind(pile([[0, 1], [1, 1]]), pile([[0, 2.5], [1, 1]])) == "numbers"


@pytest.mark.parametrize("pair", [(0, 1), (1, 0)])
def test_numbers_beside_the_same_numbers_as_names_are_refused(pair):
    both = pile([1, 2, 2], "ours"), pile(["001", "002", "X03"], "theirs")
    with pytest.raises(
        DataError, match="labels of 'theirs' and of 'ours' must both be names or both"
    ):
        label_kind(*(both[i] for i in pair))
    assert label_kind(both[0], pile(["ape", "bee"])) == "classes"


def test_what_is_settled_holds_for_parts_too():
    source, target = settle_labels([PRICES, FEW])
    assert source.measured
    assert target.measured
    assert target.subset(np.array([0, 1])).measured
    assert target.hide(np.array([0])).measured
    assert not FEW.measured
    assert not PRICES.unlabelled().measured
    assert PRICES.subset(np.arange(5)).measured
    plain = pile([0, 1, 2, 1])
    assert settle_labels([plain, PRICES])[0] is plain


def test_differences_in_kind_are_described():
    assert kind_difference(PRICES, FEW) == ""
    assert (
        kind_difference(pile([0, 1], "a"), pile([0.5, 1], "b")) == "classes in 'a', numbers in 'b'"
    )
    several, one = pile([[0.5, 1], [1, 2]], "a"), pile([0.5, 1], "b")
    assert kind_difference(several, one) == "2 a row in 'a', 1 a row in 'b'"
    assert kind_difference(pile([0, 1]), Domain(np.eye(2))) == ""


def test_names_in_two_forms_of_unicode_are_refused():
    split, whole = pile(["cafe\u0301", "tea"]), pile(["caf\u00e9", "tea"])
    assert label_kind(split, pile(["tea", "milk"])) == "classes"
    for domains in ([split, whole], [pile(["cafe\u0301", "caf\u00e9"])]):
        with pytest.raises(DataError, match="one form of Unicode; got 'caf\u00e9' in two"):
            label_kind(*domains)
