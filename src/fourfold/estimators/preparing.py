"""Preparing: a preparation is fitted to all domains of a problem, or is fitted already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from fourfold.errors import ParameterError
from fourfold.preparation.base import Preparation
from fourfold.preparation.tables.memory import fitted_once
from fourfold.preparation.tables.target_encoding import LabelledRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.data.rows import Rows

__all__ = ["fitted_to", "labelled_rows"]


def fitted_to(
    rows: Sequence[Rows], chosen: Preparation | FrozenEstimator, labels: LabelledRows | None
) -> tuple[Preparation, LabelledRows | None]:
    """Fit a preparation to all domains' rows, and return the labels that it learnt from.

    One in a FrozenEstimator is taken as it is, and learns from no labels.

    Raises
    ------
    ParameterError
        If a FrozenEstimator holds something else, or one that is not fitted.
    """
    if isinstance(chosen, FrozenEstimator):
        return _already_fitted(chosen), None
    fitted = fitted_once(chosen, rows, labels)
    return fitted, labels if fitted.learns_labels else None


def labelled_rows(domain: Domain, task: Task) -> LabelledRows:
    """Return the rows of a domain with the labels of its task, as a preparation takes them."""
    y = task.encode(domain).numpy()
    y = y if task.has_classes else y.reshape(len(y), -1)
    return LabelledRows(domain.rows, y, domain.annotations.group_codes)


def _already_fitted(frozen: FrozenEstimator) -> Preparation:
    """Take a fitted preparation out of its FrozenEstimator."""
    inner = frozen.estimator
    must = "prepare in a FrozenEstimator must be a Preparation that is fitted; got one"
    if not isinstance(inner, Preparation):
        raise ParameterError(f"{must} of {type(inner).__name__}")
    try:
        check_is_fitted(inner)
    except NotFittedError:
        raise ParameterError(f"{must} not fitted") from None
    return inner
