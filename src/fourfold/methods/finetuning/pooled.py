"""Pooled: one model of source and target rows together."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np

from fourfold.methods.kit import Facts, Fitted, Ground, Needs, Positive, Problem, WrapsBase

if TYPE_CHECKING:
    from fourfold.algorithms.samples import Sample
    from fourfold.estimators.bases.base import Base, Scored

__all__ = ["Pooled"]

WEIGHTS: Final = (5.0, 1.0, 25.0)
"""Weights of a target row beside one of the source that are tried; the first is the usual one."""
MOST_ROWS: Final = 2000
"""Source rows beside which the weight is chosen."""
MOST_LINEAR: Final = 20_000
"""Source rows with which a line is fitted; of more, some stand for all."""


@final
class Pooled(WrapsBase):
    """Fit one model to the source's and the target's rows together, with a flag of the domain.

    The flag lets levels of the labels differ. Target rows count more than source rows; penalty or
    size of the model are chosen on the source.

    Parameters
    ----------
    target_weight
        Weight of a target row, where a source row has 1; None takes 5, unless cross-validation is
        sure that 1 or 25 is better.

    References
    ----------
    Daumé III, Frustratingly Easy Domain Adaptation, ACL 2007: "weighted", one of its baselines.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> Pooled().fit(X[::10], y[::10], source=Domain(X + 1, y)).score(X, y) > 0.9
    True
    """

    target_weight: Positive | None = None

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, same_labels=True, columns=True)
    variants: ClassVar[dict[str, tuple[str, ...]]] = {"base": ("linear", "boosting")}

    def _learn(self, problem: Problem) -> Fitted:
        ground = Ground.of(problem)
        source = ground.source.thinned(MOST_LINEAR if self.base == "linear" else None)
        base = ground.learn_source(self.make_base(ground)).base

        def fit(base: Base, source: Sample, target: Sample, weight: float) -> Scored:
            heavy = target._replace(weight=np.float32(weight) * target.weight)
            rows = base.narrow(source).joined(base.narrow(heavy))
            return base.fit(rows, flags=np.arange(len(rows.y)) >= len(source.y))

        weight = self.target_weight
        if weight is None:  # fewer source rows tell it as well
            few = source.thinned(MOST_ROWS)
            weight = ground.best(WEIGHTS, lambda *given: fit(base.lighter(), few, *given))
        facts = Facts("Weight of a target row", {"times a source row's": f"{weight:g}"})
        return ground.fitted(fit(base, source, ground.target, weight), facts)
