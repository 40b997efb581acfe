"""Picked rows: of the target, without a label, and better than random ones."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from fourfold import Domain, Linear, SourceOnly, pick
from fourfold.errors import DataError, FileError, ParameterError
from samples import rows


def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


def test_typical_digits_teach_more_than_random_ones():
    X, y = digits()
    pool, test = slice(0, 1000), slice(1000, None)

    def accuracy(chosen):
        return Linear().fit(X[pool][chosen], y[pool][chosen]).score(X[test], y[test])

    random = np.random.default_rng(0)
    by_chance = [accuracy(random.choice(1000, 20, replace=False)) for _ in range(10)]
    picked = [accuracy(pick(X[pool], 20, random_state=seed).positions) for seed in range(3)]
    assert np.mean(picked) > np.mean(by_chance) + 0.05
    assert min(picked) > np.median(by_chance)


def test_picks_are_different_unlabelled_rows_and_the_same_each_time():
    X, y = rows()
    few = Domain(X, np.where(np.arange(60) < 8, y, -1))
    first, again = pick(few, 20), pick(few, 20)
    assert first.positions.tolist() == again.positions.tolist()
    assert len(set(first.positions.tolist())) == len(first.why) == 20
    assert first.positions.min() >= 8
    assert first.strategy == "disagreement"


def test_a_source_gives_features_and_a_fitted_one_is_not_trained_again():
    X, y = rows()
    model = SourceOnly().fit(X, source=Domain(X, y))
    from_data = pick(X, 4, source=Domain(X, y))
    assert from_data.features == "features of SourceOnly"
    assert from_data.strategy == "typiclust"
    given = pick(X, 4, source=model)
    assert given.positions.tolist() == from_data.positions.tolist()
    assert sorted(y[given.positions]) == [0, 1, 2, 3]


def test_texts_without_labels_are_compared_by_their_words():
    texts = [f"{'ball team' if i % 2 else 'bread soup'} number {i}" for i in range(30)]
    topics = np.arange(30) % 2
    source = Domain(texts, topics)
    assert pick(texts, 4, source=source).features == "principal components of the inputs"
    few = Domain(texts, np.where(np.arange(30) < 6, topics, -1))
    assert pick(few, 4, source=source).features == "features of SourceOnly"


@pytest.mark.parametrize("strategy", ["typiclust", "probcover"])
def test_strategies_can_be_asked_for(strategy):
    X, y = rows()
    few = Domain(X, np.where(np.arange(60) < 8, y, -1))
    assert pick(few, 3, strategy=strategy).strategy == strategy


def test_labels_that_are_evaluated_on_cannot_matter():
    X, y = rows()
    hidden = np.where(np.arange(60) < 8, y, -1)
    by_some = pick(Domain(X, hidden), 6)
    by_all = pick(Domain(X, y).hide(np.arange(8, 60)), 6)
    assert by_some.positions.tolist() == by_all.positions.tolist()


def test_numbers_and_answers_are_picked_by_disagreement():
    X, _ = rows()
    for labels in (X[:, 0] * 1.5, (X[:, :2] > 0).astype(float)):
        labels[10:] = np.nan
        assert pick(Domain(X, labels), 3).strategy == "disagreement"


def test_one_class_alone_teaches_nothing_yet():
    X, _ = rows()
    assert pick(Domain(X, np.where(np.arange(60) < 3, 2, -1)), 3).strategy == "typiclust"


def test_errors_say_what_must_hold():
    X, y = rows()
    twice = np.concatenate([X[:5], X[:5]])
    with pytest.raises(ParameterError, match=r"n must lie in \[1, 5\], the different rows"):
        pick(twice, 6)
    with pytest.raises(ParameterError, match=r"n must lie in .*; got 0"):
        pick(X, 0)
    with pytest.raises(DataError, match="must have rows without a label to pick; got none"):
        pick(Domain(X, y), 1)
    with pytest.raises(ParameterError, match="strategy must be one of auto, typiclust"):
        pick(X, 1, strategy="best")
    with pytest.raises(ParameterError, match="where nothing can vote; got disagreement"):
        pick(X, 1, strategy="disagreement")
    with pytest.raises(FileError, match="must be the folder of a saved model"):
        pick(X, 1, study="nowhere")
