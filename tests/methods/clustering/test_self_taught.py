"""Self-taught clustering: its objective, the weight of auxiliary data, and what they add."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse

from digit_pairs import digits, fitted, pair, topics
from fourfold import Domain
from fourfold.algorithms.clustering.counts import Counts, Partition, objective
from fourfold.algorithms.codebook import PatchCodebook
from fourfold.methods.clustering.coclustering import CoClustering
from fourfold.methods.clustering.self_taught import SelfTaughtClustering

PAIRS = ((0, 6), (1, 7), (2, 3), (3, 5), (4, 9), (8, 9))


def test_a_row_goes_to_the_cluster_with_the_least_divergence():
    """argmax of the outputs is argmin of D(p(Z|x) ‖ p̃(Z|x̃)), as the equations say."""
    X, _, _, _, rest = pair(0, 1)
    model = fitted(SelfTaughtClustering, X, rest)
    a, z = model.labels_, model.feature_labels_
    p = X / X.sum()
    block = np.array([[p[a == i][:, z == j].sum() for j in range(z.max() + 1)] for i in (0, 1)])
    seen = p.sum(axis=0) > 0
    of_z = np.array([p[:, z == j].sum() for j in range(z.max() + 1)])
    share = block / block.sum(axis=1, keepdims=True)
    near = share[:, z[seen]] * p.sum(axis=0)[seen] / of_z[z[seen]]
    row = X[:, seen] / X.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(row[:, None] > 0, row[:, None] * np.log(row[:, None] / near), 0.0)
    assert np.array_equal(each.sum(axis=2).argmin(axis=1), a)


def test_the_objective_is_that_of_the_clusters():
    X, _, _, _, rest = pair(2, 7)
    model = fitted(SelfTaughtClustering, X, rest, lambda_=0.5)
    (curve,) = [f.lines["objective"] for f in model.findings_ if "lose" in f.title]
    assert (np.diff(curve) <= 1e-12).all()
    assert abs(model.objective_ - curve[-1]) < 1e-9
    alone = fitted(CoClustering, X, rest)
    value = objective([Counts(X)], [1.0], Partition([alone.labels_], alone.feature_labels_.clip(0)))
    assert abs(alone.objective_ - value) < 1e-6


def test_without_weight_the_auxiliary_data_decide_nothing():
    X, _, _, _, rest = pair(3, 5)
    a = fitted(SelfTaughtClustering, X, rest, lambda_=0.0, n_init=6)
    b = fitted(CoClustering, X, rest, n_init=6)
    assert abs(a.objective_ - b.objective_) < 0.02


def test_features_that_only_the_auxiliary_data_hold_count_for_new_rows():
    """Words that the target never used stand with those that they occur with elsewhere."""
    target = np.repeat(np.array([[5, 5, 0, 0, 0, 0], [0, 0, 0, 5, 5, 0]]), 4, axis=0)
    beside = np.repeat(np.array([[3, 3, 6, 0, 0, 0], [0, 0, 0, 3, 3, 6]]), 9, axis=0)
    model = SelfTaughtClustering(n_feature_clusters=2, n_auxiliary_clusters=2)
    model.fit(target, source=Domain(beside))
    assert model.predict([[0, 0, 9, 0, 0, 0], [0, 0, 0, 0, 0, 9]]).tolist() == [0, 1]
    alone = CoClustering(n_feature_clusters=2).fit(target)
    assert np.ptp(alone.outputs([[0, 0, 9, 0, 0, 0]])) == 0
    assert alone.feature_labels_.tolist()[2::3] == [-1, -1]


PLANTED = {"n": 40, "words": 6, "vocabulary": 400, "auxiliary": 300, "auxiliary_words": 25}


def test_words_that_the_target_cannot_place_are_placed_by_the_auxiliary_data():
    """Two rows of a planted topic seldom share a word, so the target alone says little."""
    gains = []
    for seed in range(4):
        X, y, beside = topics(seed, **PLANTED)
        ours = fitted(SelfTaughtClustering, X, beside, random_state=seed, lambda_="auto")
        alone = fitted(CoClustering, X, beside, random_state=seed)
        gains.append(ours.score(X, y) - alone.score(X, y))
    assert np.mean(gains) > 0.3


def glimpses(counts, patches, random):
    """Keep so many patches of each picture, drawn without replacement."""
    kept = np.zeros(counts.shape)
    for one, row in zip(kept, counts.toarray().astype(int), strict=True):
        there = np.repeat(np.arange(len(row)), row)
        some = random.choice(there, min(patches, len(there)), replace=False)
        one[:] = np.bincount(some, minlength=len(row))
    return sparse.csr_array(kept)


def test_auxiliary_data_help_where_the_target_says_little():
    """Two kinds of digits, of each of which 4 patches are seen, beside whole digits of all kinds.

    The setting was picked because the gain is plain here: this guards against regressions, and is
    no evidence.
    """
    images, y = digits()
    gains = []
    for (a, b), seed in itertools.product(PAIRS, range(2)):
        random = np.random.default_rng(seed)
        own = [random.permutation(np.flatnonzero(d == y))[:30] for d in (a, b)]
        target = np.concatenate(own)
        rest = random.permutation(np.setdiff1d(np.arange(len(y)), target))[:300]
        book = PatchCodebook(n_words=24, side=3, random_state=seed).fit(images[rest])
        X = glimpses(book.transform(images[target]), 4, random)
        beside = book.transform(images[rest])
        scores = [
            fitted(method, X, beside, random_state=seed, restarts=2, **more).score(X, y[target])
            for method, more in ((SelfTaughtClustering, {"lambda_": 10.0}), (CoClustering, {}))
        ]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) > 0.02


def test_the_weight_is_the_one_with_the_most_held_out_information():
    X, _, beside = topics(0, **PLANTED)
    model = fitted(SelfTaughtClustering, X, beside, lambda_="auto")
    bars = model.findings_[0]
    assert bars.names == ["1", "10", "100"]
    assert model.lambda_used_ == float(bars.names[int(np.argmax(bars.values))])
    assert max(bars.values) > 0
    chosen = fitted(SelfTaughtClustering, X, beside, lambda_=model.lambda_used_)
    assert np.array_equal(chosen.labels_, model.labels_)
    assert chosen.lambda_used_ == model.lambda_used_


@pytest.mark.parametrize("beside", [np.eye(6), np.ones((3, 6))])
def test_auxiliary_data_without_clusters_do_no_harm(beside):
    X = np.repeat([[5, 5, 5, 0, 0, 0], [0, 0, 0, 5, 5, 5]], 4, axis=0)
    assert (
        fitted(SelfTaughtClustering, X, beside, lambda_="auto").score(X, np.repeat([0, 1], 4)) == 1
    )
