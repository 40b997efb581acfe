"""A dictionary is as good as scikit-learn's, from memory maps and streams alike."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d
from sklearn.utils.estimator_checks import parametrize_with_checks

from fourfold.algorithms.sparse_coding import Dictionary, SparseCoder, SparseCodes, objective
from fourfold.errors import DataError, ParameterError


def patches(n=600, side=8):
    (picture,) = [p.mean(2) / 255 for p in load_sample_images().images][:1]
    x = extract_patches_2d(picture, (side, side), max_patches=n, random_state=0).reshape(n, -1)
    x -= x.mean(1, keepdims=True)
    return (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-3)).astype(np.float32)


X = torch.from_numpy(patches())


def cost(atoms, x=X, penalty=0.1):
    atoms = torch.from_numpy(atoms)
    return float(objective(x, SparseCodes(atoms, penalty).codes(x), atoms, penalty).mean())


def test_learning_lowers_the_objective_on_rows_it_did_not_see():
    seen, other = X[:400], X[400:]
    random = SparseCoder(n_components=48, passes=1, batch_size=400).fit(seen[:48].numpy())
    short, long = (
        SparseCoder(n_components=48, passes=p, batch_size=100).fit(seen.numpy()) for p in (1, 8)
    )
    costs = [cost(coder.components_, other) for coder in (random, short, long)]
    assert costs[0] > costs[1] > costs[2]
    norms = np.linalg.norm(long.components_, axis=1)
    assert (norms <= 1 + 1e-5).all()


def test_it_is_as_good_as_scikit_learns():
    from sklearn.decomposition import MiniBatchDictionaryLearning

    theirs = MiniBatchDictionaryLearning(
        32, alpha=0.1, max_iter=4, random_state=0, max_no_improvement=None
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(X.numpy().astype(float))
    ours = SparseCoder(n_components=32, passes=4, batch_size=256).fit(X.numpy())
    assert cost(ours.components_) < 1.001 * cost(theirs.components_.astype(np.float32))


def test_memory_maps_and_partial_fits(tmp_path):
    np.save(tmp_path / "x.npy", X.numpy())
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    whole = SparseCoder(n_components=16).fit(X.numpy())
    assert np.array_equal(SparseCoder(n_components=16).fit(mapped).components_, whole.components_)
    streamed = SparseCoder(n_components=16)
    for part in np.array_split(X.numpy(), 6):
        streamed.partial_fit(part)
    assert len(streamed.costs_) == 6
    assert cost(streamed.components_) < 1.1 * cost(whole.components_)
    assert streamed.transform(mapped).shape == (600, 16)


def test_dead_atoms_are_replaced():
    learnt = Dictionary(torch.cat([X[:8], X[:1].repeat(8, 1)]), 0.1)
    for _ in range(5):
        learnt.learn(X)
    likeness = (learnt.atoms @ learnt.atoms.T).fill_diagonal_(0).abs()
    assert likeness.max() < 0.999


def test_bad_input_is_refused():
    with pytest.raises(
        ParameterError, match="n_components must be at most the number of rows, 5; got 9"
    ):
        SparseCoder(n_components=9).fit(X[:5].numpy())
    with pytest.raises(DataError, match="got only zeros"):
        SparseCoder(n_components=2).fit(np.zeros((5, 3)))
    with pytest.raises(DataError, match="vectors of numbers"):
        SparseCoder(n_components=2).fit(load_digits().images)
    with pytest.raises(ParameterError, match="alpha of SparseCoder must lie in"):
        SparseCoder(alpha=0.0).fit(X.numpy())


EXPECTED = {"check_dtype_object": "what is no number is a DataError, so a ValueError"}


def test_earlier_names_are_told():
    with pytest.raises(ParameterError, match="n_atoms of SparseCoder must be written n_components"):
        SparseCoder(n_atoms=3)


@parametrize_with_checks([SparseCoder(n_components=1)], expected_failed_checks=lambda _: EXPECTED)
def test_scikit_learns_own_checks(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)
