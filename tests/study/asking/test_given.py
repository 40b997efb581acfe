"""Domains of a study: those without a name are called by their role."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain
from fourfold.errors import DataError
from fourfold.study.asking.given import of_transfer

X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])


def test_domains_without_a_name_are_called_by_their_role():
    mine = Domain(X, Y, name="mine")
    (first, second), target, evaluate = of_transfer([mine, Domain(X, Y)], Domain(X), Domain(X, Y))
    assert [first.name, second.name] == ["mine", "source 2"]
    assert [target.name, evaluate.name] == ["target", "evaluate"]
    (source,), *_ = of_transfer(Domain(X, Y), Domain(X), None)
    assert source.name == "source"


def test_messages_tell_domains_without_a_name_apart():
    with pytest.raises(DataError, match=r"labels of 'evaluate' and of 'source' must both be names"):
        of_transfer(Domain(X, Y), Domain(X), Domain(X, Y.astype(str)))
