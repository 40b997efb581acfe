"""Gradient boosting by LightGBM, its size chosen on held-out rows."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import torch
from scipy.special import log_softmax

from fourfold.algorithms.additive.ensemble import Ensemble, parse
from fourfold.errors import MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.samples import Sample

    Floats = NDArray[np.float64]

__all__ = [
    "Objective",
    "Size",
    "count_trees",
    "ensemble",
    "grow",
    "lightgbm",
    "loads_lightgbm",
    "refit",
    "tune",
]

LEAVES: Final = (7, 31)
"""Leaves of a tree that are tried."""
MOST_TREES: Final = 400
FEWEST: Final = 10
"""Trees, at least, of a size that is chosen."""
PATIENCE: Final = 20
"""Trees without a lower loss after which boosting stops."""
MOST_ROWS: Final = 100_000
"""Rows on which a size is chosen."""
HELD: Final = 5
"""One of so many rows is held out for this choice."""


@final
class Size(NamedTuple):
    """Leaves of a tree, the number of trees, the fewest rows in a leaf, and the learning rate."""

    leaves: int
    trees: int
    least: int = 20
    rate: float = 0.1


ENOUGH: Final = 100
"""Rows from which on a size is chosen."""
FEW: Final = Size(leaves=4, trees=40)
"""The size for fewer rows."""
NOTHING: Final = "num_tree_per_iteration=1"
"""LightGBM's text of a model without trees, as far as it is read."""


@final
class Objective(NamedTuple):
    """Labels of trees: k classes, or yes/no answers or numbers (k = 1).

    Directions of features are −1, 0 or 1: scores only fall or rise with a feature; none are asked
    for by default.
    """

    kind: str
    outputs: int = 1
    directions: tuple[int, ...] = ()

    def loss(self, rows: Sample, scores: Floats | None) -> float:
        """Return LightGBM's metric of scores (n,) or (n, k)."""
        z = np.zeros(len(rows.y)) if scores is None else np.asarray(scores)
        y = rows.y.astype(np.float64)
        if self.kind == "regression":
            each = (z - y) ** 2
        elif self.kind == "binary":
            each = np.logaddexp(0, z) - y * z
        else:
            each = -log_softmax(z, axis=1)[np.arange(len(y)), y.astype(int)]
        return float(np.average(each, weights=rows.weight))

    def settings(self, size: Size, seed: int) -> dict[str, Any]:
        """Return LightGBM's parameters; the same rows give the same bits."""
        more: dict[str, Any] = {"num_class": self.outputs} if self.kind == "multiclass" else {}
        if any(self.directions):
            more["monotone_constraints"] = list(self.directions)
        return {
            "objective": self.kind,
            **more,
            "num_leaves": size.leaves,
            "min_data_in_leaf": size.least,
            "learning_rate": size.rate,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "feature_fraction": 0.8,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": torch.get_num_threads(),
            "verbose": -1,
        }


def lightgbm() -> Any:
    """Import LightGBM.

    Raises
    ------
    MissingLibraryError
        If it cannot be loaded: it needs the system's library of OpenMP. On macOS that crashes
        beside PyTorch's.
    """
    if platform.system() == "Darwin":
        raise MissingLibraryError(
            "boosting by LightGBM must have a process without PyTorch on macOS, where both crash "
            'together; take Pooled or Recalibrated with base="boosting", which is scikit-learn\'s '
            "there"
        )
    try:
        import lightgbm as found
    except (ImportError, OSError) as error:
        raise MissingLibraryError(
            "boosting must be able to load LightGBM, which needs the system's OpenMP (libgomp1 on "
            f"Debian, libomp on macOS); got: {error}"
        ) from error
    return found


def loads_lightgbm() -> bool:
    """Return whether LightGBM can be loaded."""
    try:
        lightgbm()
    except MissingLibraryError:
        return False
    return True


def tune(rows: Sample, objective: Objective, categories: Sequence[int], seed: int) -> Size:
    """Choose leaves, and the number of trees by early stopping, on a fifth of the rows."""
    least = min(Size(0, 0).least, max(len(rows.y) // 20, 1))
    divided = _divide(rows.drawn(MOST_ROWS), seed)
    if divided is None:
        return FEW._replace(least=least)
    train, held = divided
    asked = [Size(leaves, MOST_TREES, least) for leaves in LEAVES]
    found = dict(_stopped(train, held, objective, categories, size, seed) for size in asked)
    return found[min(found)]


def _divide(rows: Sample, seed: int) -> tuple[Sample, Sample] | None:
    """Return rows to learn from and held-out ones; None of few, or where nothing can be held out.

    Groups are not divided, and of times the last ones are held out.
    """
    if len(rows.y) < ENOUGH:
        return None
    if rows.groups is not None or rows.time is not None:
        folds = rows.splits(stratified=False)
        return (rows.at(folds[-1][0]), rows.at(folds[-1][1])) if folds else None
    order = np.random.default_rng(seed).permutation(len(rows.y))
    cut = len(order) // HELD
    return rows.at(np.sort(order[cut:])), rows.at(np.sort(order[:cut]))


def _stopped(
    train: Sample,
    held: Sample,
    objective: Objective,
    categories: Sequence[int],
    most: Size,
    seed: int,
) -> tuple[float, Size]:
    """Return the least loss of held-out rows, and the number of trees that reaches it."""
    library = lightgbm()
    whole = _dataset(train, categories)
    booster = library.train(
        objective.settings(most, seed),
        whole,
        most.trees,
        valid_sets=[whole.create_valid(held.x, held.y, held.weight)],
        callbacks=[library.early_stopping(PATIENCE, verbose=False)],
    )
    ((loss,),) = (of.values() for of in booster.best_score.values())
    return float(loss), most._replace(trees=max(booster.best_iteration, FEWEST))


def count_trees(
    rows: Sample,
    objective: Objective,
    size: Size,
    categories: Sequence[int],
    seed: int,
    offset: Floats | None = None,
) -> int:
    """Return the number of trees, up to the size's, with the least loss in cross-validation.

    There may be none beside an offset, and there are all where no rows can be held out.
    """
    library, settings = lightgbm(), objective.settings(size, seed)
    curves = []
    for learnt, held in rows.splits(stratified=objective.kind != "regression"):
        parts = [None if offset is None else offset[part] for part in (learnt, held)]
        whole = _dataset(rows.at(learnt), categories, parts[0])
        asked, found = rows.at(held), dict[str, Any]()
        valid = whole.create_valid(asked.x, asked.y, asked.weight, init_score=_flat(parts[1]))
        watch = [library.record_evaluation(found)]
        library.train(settings, whole, size.trees, valid_sets=[valid], callbacks=watch)
        ((curve,),) = (of.values() for of in found.values())
        before = [] if offset is None else [objective.loss(asked, parts[1])]
        curves.append(np.pad([*before, *curve], (0, size.trees - len(curve)), mode="edge"))
    if not curves:
        return size.trees
    least = int(np.mean(curves, axis=0).argmin())
    return least if offset is not None else least + 1


def grow(
    rows: Sample,
    objective: Objective,
    size: Size,
    categories: Sequence[int],
    seed: int,
    offset: Floats | None = None,
) -> str:
    """Boost trees on rows, from scores (n,) or (n, k) on if given; return LightGBM's text."""
    if not size.trees or len(rows.y) < 2:
        return NOTHING
    settings = objective.settings(size, seed)
    booster = lightgbm().train(settings, _dataset(rows, categories, offset), size.trees)
    return str(booster.model_to_string(num_iteration=-1))


def refit(text: str, rows: Sample, decay: float) -> str:
    """Refit the leaves of trees to rows: decay·old + (1 − decay)·new values.

    A single row, or a decay of 1, leaves them as they are.
    """
    if text == NOTHING or decay == 1 or len(rows.y) < 2:
        return text
    booster = lightgbm().Booster(model_str=text)
    fitted = booster.refit(rows.x, rows.y, decay_rate=decay, weight=rows.weight)
    return str(fitted.model_to_string())


def _dataset(rows: Sample, categories: Sequence[int], offset: Floats | None = None) -> Any:
    """Return rows as LightGBM takes them."""
    return lightgbm().Dataset(
        rows.x,
        rows.y,
        weight=rows.weight,
        init_score=_flat(offset),
        categorical_feature=list(categories),
        params={"verbose": -1},
        free_raw_data=False,
    )


def _flat(offset: Floats | None) -> Floats | None:
    """Return scores as LightGBM takes them, class after class."""
    return None if offset is None else np.asarray(offset, np.float64).ravel("F")


def ensemble(texts: Sequence[str], flag: tuple[int, float] | None = None) -> Ensemble:
    """Read the trees of one model for classes, or of a model for each column."""
    fixed = None if flag is None else dict([flag])
    found = [parse(text, fixed) for text in texts]
    if len(found) == 1:
        return found[0]
    whole = found[0].to(0)
    for output, one in enumerate(found[1:], 1):
        whole = whole.plus(one.to(output))
    return whole
