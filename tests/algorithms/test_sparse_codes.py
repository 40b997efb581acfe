"""Codes satisfy the optimality conditions, and are what coordinate descent finds."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_sample_images
from sklearn.decomposition import sparse_encode
from sklearn.feature_extraction.image import extract_patches_2d
from sklearn.utils.estimator_checks import parametrize_with_checks

from fourfold.algorithms import dictionary
from fourfold.algorithms import sparse_codes as sparse
from fourfold.algorithms.dictionary import SparseCoder
from fourfold.algorithms.sparse_codes import SparseCodes, objective, violation
from fourfold.errors import DataError, ParameterError
from fourfold.frozen.onnx import export_onnx
from parity import check_parity


def patches(n=600, side=8):
    (picture,) = [p.mean(2) / 255 for p in load_sample_images().images][:1]
    x = extract_patches_2d(picture, (side, side), max_patches=n, random_state=0).reshape(n, -1)
    x -= x.mean(1, keepdims=True)
    return (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-3)).astype(np.float32)


X = torch.from_numpy(patches())
LEARNT = torch.from_numpy(SparseCoder(n_atoms=96).fit(X.numpy()).components_)


@pytest.mark.parametrize("penalty", [0.02, 0.1, 0.4])
def test_codes_are_those_of_coordinate_descent(penalty):
    codes = SparseCodes(LEARNT, penalty, 1e-4).codes(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = sparse_encode(
            X.numpy().astype(float), LEARNT.numpy().astype(float), algorithm="lasso_cd",
            alpha=penalty, max_iter=10_000,
        )  # fmt: skip
    ours = objective(X, codes, LEARNT, penalty).mean()
    theirs = objective(X, torch.from_numpy(wanted).float(), LEARNT, penalty).mean()
    assert ours <= theirs * (1 + 1e-5)
    assert np.abs(codes.numpy() - wanted).max() < 0.02


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-4])
def test_the_tolerance_is_kept(tolerance):
    missed = violation(X, SparseCodes(LEARNT, 0.1, tolerance).codes(X), LEARNT, 0.1)
    largest = (X @ LEARNT.T).abs().amax(1)
    assert (missed <= 1.01 * tolerance + 2 * sparse.ROUNDING * largest / 0.1).all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 10**6), st.floats(0.01, 2))
def test_any_dictionary_is_solved(k, d, seed, penalty):
    rng = np.random.default_rng(seed)
    atoms = rng.normal(size=(k, d))
    atoms[rng.random(k) < 0.2] = atoms[0]  # the same atom twice
    atoms[rng.random(k) < 0.1] = 0
    atoms = torch.from_numpy(atoms / np.maximum(np.linalg.norm(atoms, axis=1, keepdims=True), 1))
    atoms, x = atoms.float(), torch.from_numpy(rng.normal(size=(7, d))).float()
    missed = violation(x, SparseCodes(atoms, penalty).codes(x), atoms, penalty)
    largest = (x @ atoms.T).abs().amax(1)
    assert (missed <= 1.05e-3 + 4 * sparse.ROUNDING * largest / penalty).all()


def test_a_row_is_coded_alike_in_any_batch():
    coder = SparseCodes(LEARNT, 0.1)
    whole = coder.codes(X)
    for index in (slice(3, 4), slice(500, 560), torch.arange(599, -1, -1)):
        assert torch.equal(coder.codes(X[index]), whole[index])
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert torch.equal(coder.codes(X), whole)  # the number of threads changes no bit
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_zero_rows_and_a_large_penalty_give_zero_codes():
    assert not SparseCodes(LEARNT, 0.1).codes(torch.zeros(3, 64)).any()
    assert not SparseCodes(LEARNT, 10.0).codes(X).any()


def test_an_exported_file_codes_alike(tmp_path):
    coder = SparseCodes(LEARNT[:24], 0.1, 1e-4)
    export_onnx(coder, X[:40], tmp_path / "codes.onnx")
    check_parity(tmp_path / "codes.onnx", coder, X[40:80])


def test_weights_restore_the_coder():
    coder = SparseCodes(LEARNT, 0.1)
    empty = SparseCodes(torch.zeros_like(LEARNT), 0.1)
    empty.load_state_dict(coder.state_dict())
    assert torch.equal(empty.codes(X), coder.codes(X))


# --- the dictionary ------------------------------------------------------------------------------


def cost(atoms, x=X, penalty=0.1):
    atoms = torch.from_numpy(atoms)
    return float(objective(x, SparseCodes(atoms, penalty).codes(x), atoms, penalty).mean())


def test_learning_lowers_the_objective_on_rows_it_did_not_see():
    seen, other = X[:400], X[400:]
    random = SparseCoder(n_atoms=48, passes=1, batch_size=400).fit(seen[:48].numpy())
    short, long = (
        SparseCoder(n_atoms=48, passes=p, batch_size=100).fit(seen.numpy()) for p in (1, 8)
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
    ours = SparseCoder(n_atoms=32, passes=4, batch_size=256).fit(X.numpy())
    assert cost(ours.components_) < 1.001 * cost(theirs.components_.astype(np.float32))


def test_memory_maps_and_partial_fits(tmp_path):
    np.save(tmp_path / "x.npy", X.numpy())
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    whole = SparseCoder(n_atoms=16).fit(X.numpy())
    assert np.array_equal(SparseCoder(n_atoms=16).fit(mapped).components_, whole.components_)
    streamed = SparseCoder(n_atoms=16)
    for part in np.array_split(X.numpy(), 6):
        streamed.partial_fit(part)
    assert len(streamed.costs_) == 6
    assert cost(streamed.components_) < 1.1 * cost(whole.components_)
    assert streamed.transform(mapped).shape == (600, 16)


def test_dead_atoms_are_replaced():
    learnt = dictionary.Dictionary(torch.cat([X[:8], X[:1].repeat(8, 1)]), 0.1)
    for _ in range(5):
        learnt.learn(X)
    likeness = (learnt.atoms @ learnt.atoms.T).fill_diagonal_(0).abs()
    assert likeness.max() < 0.999


def test_bad_input_is_refused():
    with pytest.raises(
        ParameterError, match="n_atoms must be at most the number of rows, 5; got 9"
    ):
        SparseCoder(n_atoms=9).fit(X[:5].numpy())
    with pytest.raises(DataError, match="got only zeros"):
        SparseCoder(n_atoms=2).fit(np.zeros((5, 3)))
    with pytest.raises(DataError, match="vectors of numbers"):
        SparseCoder(n_atoms=2).fit(load_digits().images)
    with pytest.raises(ParameterError, match="penalty of SparseCoder must lie in"):
        SparseCoder(penalty=0.0).fit(X.numpy())


EXPECTED = {"check_dtype_object": "what is no number is a DataError, so a ValueError"}


@parametrize_with_checks([SparseCoder(n_atoms=1)], expected_failed_checks=lambda _: EXPECTED)
def test_scikit_learns_own_checks(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)
