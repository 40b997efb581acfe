"""Baseline: a kernel machine of the source, applied to the target as it is."""

from __future__ import annotations

from typing import ClassVar, Final, final

from fourfold.methods.kit import (
    Fitted,
    Flat,
    KernelHead,
    Model,
    Needs,
    Positive,
    Problem,
    SolvesHead,
    Task,
)

__all__ = ["SourceSVM"]

MOST_ROWS: Final = 3000
"""Rows of the source of which the machine is made."""


@final
class SourceSVM(SolvesHead):
    """Fit a support vector machine to the source and predict the target, without adaptation.

    It is the least-squares machine of :class:`KernelSVM`, on at most 3,000 rows. The target's
    labels must be among the source's classes; they are not used.

    Parameters
    ----------
    alpha
        L2 penalty, where the kernel of a row with itself is 1; None chooses by cross-validation.
    gamma
        Factor of squared distances in the kernel; None chooses by cross-validation.

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

    alpha: Positive | None = None
    gamma: Positive | None = None

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True
    )
    uses_target_labels: ClassVar[bool] = False

    def build_head(self, task: Task, width: int) -> KernelHead:
        return KernelHead(task.n_outputs, width)

    def _learn(self, problem: Problem) -> Fitted:
        task, known = problem.known_source_task, problem.source_data.known()
        body = problem.body(Flat())
        head = self.build_head(task, body.width)
        model = Model(body, head)
        rows = known.sample(model.embed(known.rows)).drawn(MOST_ROWS)
        head.fit(task, rows, alpha=self.alpha, gamma=self.gamma)
        return Fitted(model)
