"""Codes satisfy the optimality conditions, and are what coordinate descent finds."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_sample_images
from sklearn.decomposition import sparse_encode
from sklearn.feature_extraction.image import extract_patches_2d

from fourfold.algorithms.sparse_coding import SparseCoder, SparseCodes, objective
from fourfold.algorithms.sparse_coding.codes import ROUNDING, missed
from fourfold.frozen.onnx import export_onnx
from parity import check_parity


def patches(n=600, side=8):
    (picture,) = [p.mean(2) / 255 for p in load_sample_images().images][:1]
    x = extract_patches_2d(picture, (side, side), max_patches=n, random_state=0).reshape(n, -1)
    x -= x.mean(1, keepdims=True)
    return (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-3)).astype(np.float32)


X = torch.from_numpy(patches())
LEARNT = torch.from_numpy(SparseCoder(n_components=96).fit(X.numpy()).components_)


def violation(x, codes, atoms, alpha):
    """Return by how much each row's codes miss the optimality conditions, over λ."""
    return missed(codes, (x - codes @ atoms) @ atoms.T, alpha) / alpha


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
    amount = violation(X, SparseCodes(LEARNT, 0.1, tolerance).codes(X), LEARNT, 0.1)
    largest = (X @ LEARNT.T).abs().amax(1)
    assert (amount <= 1.01 * tolerance + 2 * ROUNDING * largest / 0.1).all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 10**6), st.floats(0.01, 2))
def test_any_dictionary_is_solved(k, d, seed, penalty):
    rng = np.random.default_rng(seed)
    atoms = rng.normal(size=(k, d))
    atoms[rng.random(k) < 0.2] = atoms[0]  # the same atom twice
    atoms[rng.random(k) < 0.1] = 0
    atoms = torch.from_numpy(atoms / np.maximum(np.linalg.norm(atoms, axis=1, keepdims=True), 1))
    atoms, x = atoms.float(), torch.from_numpy(rng.normal(size=(7, d))).float()
    amount = violation(x, SparseCodes(atoms, penalty).codes(x), atoms, penalty)
    largest = (x @ atoms.T).abs().amax(1)
    assert (amount <= 1.05e-3 + 4 * ROUNDING * largest / penalty).all()


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
