"""Dictionary learning and sparse codes on patches of photographs: scikit-learn, and here."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from benchmarks.clock import cores
from benchmarks.harness import Benchmark, Measures, Medians, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.algorithms.sparse_coding import SparseCoder


@final
@dataclass(frozen=True)
class Settings:
    """Sizes: patches, rows to code, atoms, λ."""

    patches: int = 20_000
    coded: int = 5000
    side: int = 14
    atoms: int = 256
    penalty: float = 0.1
    seed: int = 0


def _patches(s: Settings) -> NDArray[np.float64]:
    """Cut patches without their mean, of length 1, out of scikit-learn's two photographs."""
    from sklearn.datasets import load_sample_images
    from sklearn.feature_extraction.image import extract_patches_2d

    pictures = [picture.mean(2) / 255 for picture in load_sample_images().images]
    each = s.patches // len(pictures)
    size = (s.side, s.side)
    cut = [extract_patches_2d(p, size, max_patches=each, random_state=s.seed) for p in pictures]
    x = np.concatenate(cut).reshape(-1, s.side**2)
    x -= x.mean(1, keepdims=True)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-3)
    mixed: NDArray[np.float64] = np.random.default_rng(s.seed).permutation(x)
    return mixed


def _objective(
    x: NDArray[np.float64], codes: NDArray[np.float64], atoms: NDArray[np.float64], s: Settings
) -> float:
    left = np.square(x - codes @ atoms).sum(1) / 2 + s.penalty * np.abs(codes).sum(1)
    return float(left.mean())


def _judged(x: NDArray[np.float64], atoms: NDArray[np.float64], s: Settings) -> float:
    """Return a dictionary's objective, its codes by scikit-learn's coordinate descent."""
    from sklearn.decomposition import sparse_encode

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        codes = sparse_encode(x, atoms, algorithm="lasso_cd", alpha=s.penalty)
    return _objective(x, codes, atoms, s)


def _dictionary_sklearn(s: Settings) -> Measures:
    from sklearn.decomposition import MiniBatchDictionaryLearning

    learner = MiniBatchDictionaryLearning(
        s.atoms, alpha=s.penalty, max_iter=2, max_no_improvement=None, random_state=s.seed
    )
    return _learnt(learner, s)


def _dictionary(s: Settings) -> Measures:
    import torch

    from fourfold.algorithms.sparse_coding import SparseCoder

    torch.set_num_threads(cores())
    return _learnt(SparseCoder(n_components=s.atoms, alpha=s.penalty, random_state=s.seed), s)


def _learnt(learner: Any, s: Settings) -> Measures:
    x = _patches(s)
    began = time.perf_counter()
    learner.fit(x)
    seconds = time.perf_counter() - began
    atoms = learner.components_.astype(np.float64)
    return {"seconds": seconds, "objective": _judged(x[: s.coded], atoms, s)}


def _encode_sklearn(s: Settings) -> Measures:
    from sklearn.decomposition import sparse_encode

    x, atoms = _patches(s), _learner(s).components_.astype(np.float64)
    began = time.perf_counter()
    codes = sparse_encode(x[: s.coded], atoms, algorithm="lasso_cd", alpha=s.penalty)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "objective": _objective(x[: s.coded], codes, atoms, s)}


def _encode(s: Settings, threads: int) -> Measures:
    import torch

    x, coder = _patches(s), _learner(s)
    torch.set_num_threads(threads)
    coder.transform(x[:512])  # everything warms up
    began = time.perf_counter()
    codes = coder.transform(x[: s.coded])
    seconds = time.perf_counter() - began
    atoms = coder.components_.astype(np.float64)
    objective = _objective(x[: s.coded], codes.astype(np.float64), atoms, s)
    return {"seconds": seconds, "objective": objective}


def _learner(s: Settings) -> SparseCoder:
    import torch

    from fourfold.algorithms.sparse_coding import SparseCoder

    torch.set_num_threads(1)  # the same atoms on every side
    learner = SparseCoder(n_components=s.atoms, alpha=s.penalty, random_state=s.seed)
    return learner.fit(_patches(s))


def _figures(medians: Medians) -> dict[str, float]:
    seconds = {side: found["seconds"] for side, found in medians.items()}
    cost = {side: found["objective"] for side, found in medians.items()}
    return {
        "dictionary_speedup": seconds["dictionary_sklearn"] / seconds["dictionary"],
        "dictionary_objective_ratio": cost["dictionary"] / cost["dictionary_sklearn"],
        "encode_speedup": seconds["encode_sklearn"] / seconds["encode"],
        "encode_speedup_one_thread": seconds["encode_sklearn"] / seconds["encode_alone"],
        "encode_objective_ratio": cost["encode"] / cost["encode_sklearn"],
    }


BENCHMARK: Final = Benchmark(
    name="sparse",
    title="Sparse coding of 14 × 14 patches of photographs",
    counts="""
      · Patches lose their mean and have length 1; 20000 are learnt from, 5000 coded.
      · scikit-learn as its users run it: MiniBatchDictionaryLearning with two passes,
        sparse_encode with lasso_cd; fourfold on all cores, and alone on one.
      · An objective ratio is ours over theirs, of dictionaries by the same coder; codes are of
        the same dictionary.
    """,
    sides={
        "dictionary_sklearn": _dictionary_sklearn,
        "dictionary": _dictionary,
        "encode_sklearn": _encode_sklearn,
        "encode": lambda s: _encode(s, cores()),
        "encode_alone": lambda s: _encode(s, 1),
    },
    figures=_figures,
    targets={
        "dictionary_speedup": Target("≥", 10),
        "dictionary_objective_ratio": Target("≤", 1.001),
        "encode_speedup": Target("≥", 4),
        "encode_objective_ratio": Target("≤", 1.0001),
    },
    packages=("torch", "numpy", "scikit-learn"),
    settings=Settings(),
    quick=Settings(patches=400, coded=100, side=6, atoms=16),
    rounds=5,
)
