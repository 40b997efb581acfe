"""The most frequent confusions of classes."""

from __future__ import annotations

from fourfold.report.confusions import Confused, most_confused


def test_most_confused_leaves_out_what_is_right_and_counts_shares_of_the_true_class():
    found = most_confused(["a", "b", "c"], [[90, 0, 10], [30, 30, 0], [0, 0, 0]])
    assert found == [Confused("b", "a", 30, 50.0), Confused("a", "c", 10, 10.0)]
    assert most_confused([], []) == []
    assert len(most_confused(list("abc"), [[1] * 3] * 3, most=2)) == 2
