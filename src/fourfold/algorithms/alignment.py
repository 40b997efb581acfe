"""Alignment of two sets of rows: their standards, covariances, subspaces and masses."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse
from sklearn.decomposition import PCA, TruncatedSVD

from fourfold.algorithms.linear import Affine, ridge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["a_distance", "common_axes", "moved", "recolouring", "standards", "subspaces"]

MOST_AXES: Final = 100
"""Axes of wide rows that are kept, where covariances and distances are needed."""
MOST_STEPS: Final = 1000
"""Steps of Sinkhorn's algorithm, at most."""
MOST_ROWS: Final = 600
"""Rows of each side between which mass is moved; others follow their nearest ones."""


def common_axes(source: Any, target: Any) -> Floats | None:
    """Return the main axes (d, axes) of wide rows, (n, d) and (m, d); None where d is small.

    References
    ----------
    Deerwester et al., Indexing by Latent Semantic Analysis, JASIS 1990.
    """
    n = min(MOST_AXES, source.shape[0] + target.shape[0] - 1)
    if source.shape[1] <= max(n, 2 * MOST_AXES):
        return None
    stack = np.vstack if isinstance(source, np.ndarray) else sparse.vstack
    axes: Floats = TruncatedSVD(n, random_state=0).fit(stack([source, target])).components_.T
    return axes


def standards(x: NDArray[Any], *, each: bool = True) -> Affine:
    """Return the map of rows x, (n, d), to mean 0, and of each feature, or of all, to spread 1.

    What is constant becomes 0.
    """
    spread = x.std(axis=0)
    if not each:
        spread = np.full_like(spread, np.sqrt((spread**2).mean()))
    scale = np.where(spread > 0, spread, 1.0)
    return Affine(np.diag(1 / scale), -x.mean(axis=0) / scale)


def recolouring(source: NDArray[Any], target: NDArray[Any], ridge: float) -> Floats:
    """Return the matrix (d, d) that gives centred rows of a source a target's covariance.

    The ridge is added to the diagonals of both covariances.

    References
    ----------
    Sun, Feng & Saenko, Return of Frustratingly Easy Domain Adaptation, AAAI 2016.
    """
    return _power(source, -0.5, ridge) @ _power(target, 0.5, ridge)


def subspaces(source: NDArray[Any], target: NDArray[Any], variance: float) -> tuple[Floats, Floats]:
    """Return maps (d, e) of centred rows of a source and of a target to aligned subspaces.

    The subspaces are of principal axes, the smallest that hold a share of each side's variance.

    References
    ----------
    Fernando, Habrard, Sebban & Tuytelaars, Unsupervised Visual Domain Adaptation Using Subspace
    Alignment, ICCV 2013.
    """
    fits = [PCA(svd_solver="full").fit(part) for part in (source, target)]
    counts = [int((np.cumsum(f.explained_variance_ratio_) < variance).sum()) + 1 for f in fits]
    n = min(max(counts), *(len(f.components_) for f in fits))
    own, theirs = (fit.components_[:n].T for fit in fits)
    return own @ (own.T @ theirs), theirs


def moved(
    source: NDArray[Any], y: NDArray[Any] | None, target: NDArray[Any], reg: float, class_reg: float
) -> Floats:
    """Move rows of a source (n, d) to where their mass goes in a target (m, d).

    The plan is the entropic one between at most 600 rows of each side, drawn by their places;
    other rows of the source move as the nearest one that was drawn.

    Parameters
    ----------
    y
        (n,) codes of classes, of which rows in one place should come from one class (L1 over
        classes of L½ inside); None leaves this out, as a ``class_reg`` of 0 does.
    reg, class_reg
        Weights of the entropy and of the classes; costs are squared distances over their largest.

    References
    ----------
    Courty, Flamary, Tuia & Rakotomamonjy, Optimal Transport for Domain Adaptation, PAMI 2017.
    """
    from ot.da import SinkhornLpl1Transport, SinkhornTransport  # takes a moment

    source, target = source.astype(np.float64), target.astype(np.float64)
    few, theirs = _drawn(source), target[_drawn(target)]
    if y is None or not class_reg:
        plan = SinkhornTransport(reg_e=reg, norm="max", max_iter=MOST_STEPS)
    else:
        plan = SinkhornLpl1Transport(reg_e=reg, reg_cl=class_reg, norm="max")
    with warnings.catch_warnings():  # a plan that is near enough will do
        warnings.filterwarnings("ignore", "Sinkhorn did not converge", UserWarning)
        plan.fit(Xs=source[few], ys=None if y is None else y[few], Xt=theirs)
    result: Floats = plan.transform(Xs=source)
    return result


def a_distance(source: NDArray[Any], target: NDArray[Any]) -> float:
    """Estimate the distance of two sets of rows, from 0, alike, to 2, told apart without error.

    Of rows (n, d) and (m, d), a linear classifier learns one half and is judged on the other: its
    balanced error ε gives 2(1 − 2ε).

    References
    ----------
    Ben-David, Blitzer, Crammer & Pereira, Analysis of Representations for Domain Adaptation,
    NeurIPS 2006.
    """
    x = np.concatenate([source, target])
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    domain = np.repeat([-1.0, 1.0], [len(source), len(target)])
    weight = 1 / np.repeat([len(source), len(target)], [len(source), len(target)])
    learn = np.zeros(len(x), bool)
    learn[::2] = True
    line = ridge(x[learn], domain[learn, None], 1.0, weight[learn] * len(x) / 2)
    wrong = line.apply(x[~learn])[:, 0] * domain[~learn] <= 0
    error = float(np.average(wrong, weights=weight[~learn]))
    return float(np.clip(2 * (1 - 2 * error), 0, 2))


def _drawn(x: NDArray[Any]) -> NDArray[np.intp]:
    return np.sort(np.random.default_rng(0).permutation(len(x))[:MOST_ROWS])


def _power(x: NDArray[Any], power: float, ridge: float) -> Floats:
    """Return a power of the covariance of rows (n, d)."""
    covariance = np.atleast_2d(np.cov(x, rowvar=False)) + ridge * np.eye(x.shape[1])
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * values.clip(1e-12) ** power @ vectors.T)
