"""Boosted trees, whose size is tuned on the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.special import logit

from benchmarks.data import imported

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Size", "boosted", "scores_of", "tuned_size"]


MOST_TREES: Final = 400


class Size(NamedTuple):
    """Leaves of a tree, and the number of trees."""

    leaves: int
    trees: int


def boosted(
    X: Any, y: Floats, size: Size, *, classes: bool, weight: Floats | None = None, least: int = 20
) -> Any:
    """Fit LightGBM; each leaf has at least so many rows."""
    model = _unfitted(size, classes=classes, least=least)
    return model.fit(X, y.astype(int) if classes else y, sample_weight=weight)


def scores_of(model: Any, X: Any, *, classes: bool) -> Floats:
    """Return log-odds, or numbers."""
    if not classes:
        return np.asarray(model.predict(X))
    return np.asarray(logit(model.predict_proba(X)[:, 1].clip(1e-4, 1 - 1e-4)))


def tuned_size(X: Any, y: Floats, *, classes: bool) -> Size:
    """Choose leaves, and stop early, on a fifth of the rows."""
    from sklearn.model_selection import train_test_split

    codes = y.astype(int) if classes else y
    train, held, y_train, y_held = train_test_split(
        X, codes, test_size=0.2, random_state=0, stratify=codes if classes else None
    )
    stop = imported("lightgbm").early_stopping(20, verbose=False)
    found = {}
    for leaves in (7, 31):
        model = _unfitted(Size(leaves, MOST_TREES), classes=classes)
        model.fit(train, y_train, eval_X=held, eval_y=y_held, callbacks=[stop])
        (losses,) = model.best_score_.values()
        found[next(iter(losses.values()))] = Size(leaves, max(model.best_iteration_, 10))
    return found[min(found)]


def _unfitted(size: Size, *, classes: bool, least: int = 20) -> Any:
    """Return LightGBM as many set it; of one thread, which is the quickest on tables this small."""
    lightgbm = imported("lightgbm")
    kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    return kind(
        n_estimators=size.trees,
        num_leaves=size.leaves,
        learning_rate=0.1,
        min_child_samples=least,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        random_state=0,
        n_jobs=1,
        verbose=-1,
    )
