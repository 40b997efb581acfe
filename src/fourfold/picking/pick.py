"""Picking: the unlabelled rows of a target to label first."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final, get_args

from fourfold.errors import DataError, ParameterError
from fourfold.picking.committee import quick_members, saved_members, shipped_model, votes_of
from fourfold.picking.disagreement import disagreement
from fourfold.picking.features import features_of, source_model
from fourfold.picking.material import Material
from fourfold.picking.probcover import probcover
from fourfold.picking.typiclust import typiclust

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from sklearn.frozen import FrozenEstimator

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.preparation.choose import Preparation

__all__ = ["Picks", "Strategy", "pick"]

Strategy: TypeAlias = Literal["auto", "typiclust", "probcover", "disagreement"]


@final
@dataclass(frozen=True)
class Picks:
    """Rows worth labelling.

    Attributes
    ----------
    positions
        (n,) their positions in the target, the most worth first.
    why
        (n,) the reason of each, in a few words.
    strategy
        Name of the strategy that picked them.
    features
        Features by which rows are near each other, in words.
    """

    positions: NDArray[np.intp]
    why: tuple[str, ...]
    strategy: str
    features: str


def pick(
    target: Any,
    n: int,
    *,
    source: Domain | TransferEstimator | Sequence[Domain] | None = None,
    labelled: Domain | None = None,
    study: Path | str | None = None,
    strategy: Strategy = "auto",
    prepare: Preparation | FrozenEstimator | None = None,
    random_state: int = 0,
) -> Picks:
    """Pick the unlabelled rows of a target that are most worth a label.

    Without labels these are typical and diverse rows; with some, or with a study, diverse rows on
    which models disagree, balanced by the predicted class. Equal rows are picked once, rows that
    equal a labelled one never, and rows of different groups come first. Of more than 10,000 rows so
    many are looked at, drawn by their content.

    Parameters
    ----------
    target
        Domain, or (n, ...) inputs, with few labels or none.
    n
        Number of rows to pick.
    source
        Labelled domains whose task the target shares, or a fitted estimator: rows are then compared
        by the features of a source model, else by principal components of their inputs. So are
        texts without labels: a model of another domain's words sees too little of them.
    labelled
        Rows of the target that were labelled elsewhere, as in an earlier round.
    study
        Folder of a finished study of the target, whose models vote, and whose shipped model gives
        the features. Without it, quick models of the labels vote.
    strategy
        ``"typiclust"``, ``"probcover"`` or ``"disagreement"``; ``"auto"`` takes ``"disagreement"``
        with a study or with labels of two classes, and else ``"typiclust"``.
    prepare
        Preprocessing, as in an estimator.
    random_state
        Seed of clusters and models.

    Raises
    ------
    ParameterError
        If fewer than n different rows have no label, or a disagreement is asked for without models
        or labels.
    DataError
        If a source has no labels, every row of the target has one, or rows differ in kind.
    FileError, BundleError
        If the folder holds no whole models of a study.

    References
    ----------
    Hacohen, Dekel & Weinshall, Active Learning on a Budget, ICML 2022 (TypiClust). Yehuda et al.,
    Active Learning Through a Covering Lens, NeurIPS 2022 (ProbCover). Seung, Opper & Sompolinsky,
    Query by Committee, COLT 1992.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> first = pick(X, 3)
    >>> sorted(y[first.positions].tolist())
    [0, 1, 2]
    """
    try:
        n = index(n)
    except TypeError as error:
        raise ParameterError(f"n must be a whole number; got {n!r}") from error
    material = Material.read(target, n, source, labelled)
    pool, chosen = material.pool(), _chosen(strategy, material, study)
    if not pool.n_free:
        raise DataError("the target must have rows without a label to pick; got none")
    if not 1 <= n <= pool.n_free:
        raise ParameterError(
            f"n must lie in [1, {pool.n_free}], the different rows of the target without a label; "
            f"got {n}"
        )
    settings = (prepare, random_state)
    model: TransferEstimator | None = None
    if chosen == "disagreement" or material.target.rows.kind != "texts":
        model = shipped_model(study) if study is not None else source_model(material, *settings)
    points, features = features_of(material.domains, model, *settings)
    if chosen == "typiclust":
        picked = typiclust(points, pool, n, random_state)
    elif chosen == "probcover":
        picked = probcover(points, pool, n, material.classes or n, random_state)
    else:
        members = (
            saved_members(study)
            if study is not None
            else quick_members(material.whole, model, *settings)
        )
        votes = votes_of(members, material.domains)
        picked = disagreement(points, pool, votes, n, random_state)
    rows, why = zip(*picked, strict=True)
    return Picks(material.positions[list(rows)], why, chosen, features)


def _chosen(strategy: Strategy, material: Material, study: Path | str | None) -> str:
    """Return the strategy that fits the data, or refuse one that does not."""
    if strategy not in get_args(Strategy):
        known = ", ".join(get_args(Strategy))
        raise ParameterError(f"strategy must be one of {known}; got {strategy!r}")
    votes = study is not None or material.can_teach
    if strategy == "auto":
        return "disagreement" if votes else "typiclust"
    if strategy == "disagreement" and not votes:
        raise ParameterError(
            "strategy must be typiclust or probcover where nothing can vote; got disagreement "
            "without labels of two classes, or a study"
        )
    return strategy
