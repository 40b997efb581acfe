"""A codebook's counts: they add up, near numbers have near counts, and nothing is out of reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits

from fourfold.algorithms.codebook import Codebook, PatchCodebook
from fourfold.data.rows import as_rows
from fourfold.errors import DataError


def test_every_number_counts_once_and_none_is_negative():
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 3)) * [1, 1e-6, 1e6]
    counts = Codebook(n_words=7).fit(X[:100]).transform(10 * X)
    assert counts.shape == (200, 21)
    assert counts.min() >= 0
    assert np.allclose(counts.reshape(200, 3, 7).sum(axis=2), 1, atol=1e-6)


def test_a_word_counts_for_itself_and_halfway_counts_half():
    book = Codebook(n_words=3).fit(np.array([[0.0], [1.0], [4.0]]))
    assert book.words_.tolist() == [[0, 1, 4]]
    wanted = [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1], [1, 0, 0]]
    assert book.transform([[0], [0.5], [1], [2.5], [99], [-99]]).tolist() == wanted


def test_features_of_few_numbers_have_few_words():
    book = Codebook(n_words=5).fit(np.array([[0.0, 7.0], [1.0, 7.0]] * 5))
    counts = book.transform([[0, 7], [1, 7], [0.5, 9], [2, 7]]).reshape(4, 2, 5)
    assert (counts[:, 1] == [1, 0, 0, 0, 0]).all()
    assert np.allclose(counts[:, 0].sum(axis=1), 1)
    assert (counts[3, 0] == counts[1, 0]).all()


def test_sets_of_rows_count_alike_however_many_rows_they_have():
    few, many = np.zeros((3, 1)), np.ones((3000, 1))
    book = Codebook(n_words=2).fit_rows(as_rows(few), as_rows(many))
    assert book.words_.tolist() == [[0, 1]]


def test_it_is_an_estimator_and_a_module():
    X = np.random.default_rng(0).normal(size=(50, 2))
    book = clone(Codebook(n_words=4)).fit(X)
    assert np.array_equal(book.module()(torch.tensor(X).float()).numpy(), book.transform(X))


def test_patches_are_counted_where_they_lie():
    pictures = np.zeros((4, 6, 6))
    pictures[0, :3, :3], pictures[1, 3:, 3:] = 9, 9
    pictures[2:] = np.random.default_rng(0).random((2, 6, 6))
    book = PatchCodebook(n_words=4, side=2, cells=2).fit(pictures)
    counts = book.transform(pictures).toarray().reshape(4, 4, 4)
    where = counts.sum(axis=1)
    assert where[0, 0] > 0
    assert where[0, 3] == 0
    assert where[1, 3] > where[1, 0]  # one patch reaches from the middle into the bright corner
    assert counts[2].sum() == 25


def test_pictures_of_few_distinct_patches_have_equal_words():
    pictures = np.tile(np.eye(6)[:, ::-1], (20, 1, 1))
    book = PatchCodebook(n_words=30, side=2, cells=1).fit(pictures)
    assert len(np.unique(book.words_, axis=0)) < 30
    assert book.transform(pictures).sum() == 20 * 13


def test_patches_of_digits_are_like_themselves():
    digits = load_digits()
    counts = PatchCodebook(n_words=16, side=3).fit_transform(digits.images[:300]).toarray()
    share = counts / counts.sum(axis=1, keepdims=True)
    y = digits.target[:300]
    own = np.mean([share[y == d].std(axis=0).mean() for d in range(10)])
    assert own < 0.9 * share.std(axis=0).mean()


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: Codebook().fit(np.ones((3, 2))).transform(np.ones((3, 3))), "expecting 2"),
        (lambda: Codebook().fit(np.ones((3, 2, 2))), "rows of one shape"),
        (lambda: PatchCodebook().fit(np.ones((3, 4, 4))), "at least 5 pixels"),
        (lambda: PatchCodebook().fit(np.zeros((3, 9, 9))), "not blank"),
    ],
)
def test_what_cannot_be_counted_is_refused(ask, words):
    with pytest.raises(DataError, match=words):
        ask()
