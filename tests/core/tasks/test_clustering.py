"""Clusters are numbers and know no right answer."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from fourfold import Domain
from fourfold.core.tasks import Clustering
from fourfold.errors import DataError


def one_hot(codes, k):
    return np.eye(k, dtype=np.float32)[codes]


def test_clusters_are_numbered_and_compared_with_classes():
    pile = Domain(np.zeros((4, 1)), ["a", "b", "a", "b"])
    task = Clustering(n_clusters=3).fit(pile)
    assert task.encode(pile).tolist() == [-1] * 4
    outputs = one_hot([2, 0, 2, 0], 3)
    assert task.decode(outputs).tolist() == [2, 0, 2, 0]
    assert task.score(pile.known, outputs) == pytest.approx(1)
    assert task.rows_right(pile.known, outputs) is None
    assert (task.has_classes, task.linear_loss, task.answer_name) == (False, None, "scores")


@pytest.mark.parametrize(("n", "classes", "k"), [(50, 3, 4), (9, 1, 1), (9, 1, 3), (7, 4, 1)])
def test_the_score_is_scikit_learns(n, classes, k):
    random = np.random.default_rng(n)
    y, clusters = random.integers(classes, size=n), random.integers(k, size=n)
    found = Clustering(n_clusters=k).score(y, one_hot(clusters, k))
    assert found == pytest.approx(normalized_mutual_info_score(y, clusters), abs=1e-12)


def test_more_clusters_than_rows_are_refused():
    with pytest.raises(DataError, match="at most the number of rows; got 3 clusters for 2 rows"):
        Clustering(n_clusters=3).fit(Domain(np.zeros((2, 1))))
