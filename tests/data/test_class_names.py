"""Names of classes are written as labels are."""

from __future__ import annotations

import numpy as np

from fourfold.data.descriptions import Descriptions


def test_names_are_as_labels_are():
    numbers = Descriptions.of({1: [1.0], np.int64(2): [2.0], 3.0: [3.0]})
    assert numbers.names.tolist() == [1, 2, 3]
    assert 2 in numbers
    assert np.float64(3) in numbers
    assert "2" not in numbers
