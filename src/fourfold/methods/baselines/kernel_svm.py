"""Baseline: a kernel machine, so that no weak model of the target alone flatters transfer."""

from __future__ import annotations

from typing import ClassVar, final

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

__all__ = ["KernelSVM"]


@final
class KernelSVM(SolvesHead):
    """Fit a least-squares support vector machine with a Gaussian kernel to the target alone.

    It is as accurate as the machine with hinge losses, and solved in closed form. A source may be
    given; nothing of it is used.

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
    >>> X, y = load_iris(return_X_y=True)
    >>> KernelSVM().fit(X, y).score(X, y) > 0.9
    True
    """

    alpha: Positive | None = None
    gamma: Positive | None = None

    needs: ClassVar[Needs] = Needs(most_labels=3000)
    uses_source: ClassVar[bool] = False

    def build_head(self, task: Task, width: int) -> KernelHead:
        return KernelHead(task.n_outputs, width)

    def _learn(self, problem: Problem) -> Fitted:
        task, known = problem.task, problem.target.known()
        body = problem.body(Flat())
        head = self.build_head(task, body.width)
        model = Model(body, head)
        head.fit(task, known.sample(model.embed(known.rows)), alpha=self.alpha, gamma=self.gamma)
        return Fitted(model)
