"""Baseline: a kernel machine of the source, applied to the target as it is."""

from __future__ import annotations

from typing import ClassVar, Final, final

from fourfold.methods.kit import FitsKernel, Fitted, Needs, Problem

__all__ = ["SourceSVM"]

MOST_ROWS: Final = 3000
"""Rows of the source of which the machine is made."""


@final
class SourceSVM(FitsKernel):
    """Fit a support vector machine to the source and predict the target, without adaptation.

    It is the least-squares machine of :class:`KernelSVM`, on at most 3,000 rows. The target's
    labels must be among the source's classes; they are not used.

    References
    ----------
    Suykens & Vandewalle, Least Squares Support Vector Machine Classifiers, Neural Processing
    Letters 1999.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SourceSVM().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2], y[::2]) > 0.8
    True
    """

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, open_set=True
    )
    uses_target_labels: ClassVar[bool] = False

    def _learn(self, problem: Problem) -> Fitted:
        known = problem.source_data.known()
        return self._fitted(problem, problem.known_source_task, known, MOST_ROWS)
