"""The target's labels take part exactly where a method declares it."""

from __future__ import annotations

import numpy as np
import pytest

from contract import TRANSFER, blobs, given, names, same_bits, short

DATA = blobs()
SHUFFLED = np.random.default_rng(0).permutation(DATA.y)


def outputs(method, y):
    model = short(method).fit(DATA.X, y, **given(method, DATA.source))
    return model.outputs(DATA.X)


@pytest.mark.parametrize("method", TRANSFER, ids=names(TRANSFER))
def test_other_labels_give_other_outputs_where_they_are_used(method):
    with_labels, shuffled = (outputs(method, y) for y in (DATA.y, SHUFFLED))
    assert same_bits(with_labels, shuffled) != method.uses_target_labels


UNUSED = [method for method in TRANSFER if not method.uses_target_labels]


@pytest.mark.parametrize("method", UNUSED, ids=names(UNUSED))
def test_a_method_that_uses_no_labels_of_the_target_needs_none(method):
    assert not method.needs.target_labels
    assert same_bits(outputs(method, None), outputs(method, DATA.y))
