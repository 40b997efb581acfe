"""Baseline: a kernel machine, so that no weak model of the target alone flatters transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from fourfold.algorithms.kernel_machine import KernelMachine, fit_machine
from fourfold.algorithms.samples import Sample, canonical_order
from fourfold.methods.baselines._kernel import KernelHead, sharpness
from fourfold.methods.kit import Fitted, Flat, Model, Needs, Positive, Problem, SolvesHead, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["KernelSVM"]


@final
class KernelSVM(SolvesHead):
    """Fit a least-squares support vector machine with a Gaussian kernel to the target alone.

    It is as accurate as the machine with hinge losses, and solved in closed form: one function for
    each class, which is 1 on its rows and −1 on others, or for each number. Values of held-out rows
    choose the factor that makes them log-odds. A source may be given; nothing of it is used.

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
        x = model.embed(known.rows)
        order = canonical_order(x, known.y.numpy(), known.row_weights)
        x, known = x[order], known.at(order)
        y = known.y.numpy()
        sample = Sample(x, y, known.row_weights, known.groups, known.time)
        if y.ndim == 1:
            head.put(x, *self._classes(sample, task.n_outputs))
        else:
            answers = task.linear_loss == "logistic"
            columns = [self._column(sample, column, answers=answers) for column in y.T]
            weights, biases, gammas = (
                np.stack(part, axis=-1) for part in zip(*columns, strict=True)
            )
            head.put(x, weights, biases, gammas)
        return Fitted(model)

    def _fit(self, sample: Sample, wanted: Floats, *, stratified: bool) -> KernelMachine:
        return fit_machine(
            sample, wanted, stratified=stratified, alpha=self.alpha, gamma=self.gamma
        )

    def _classes(self, sample: Sample, k: int) -> tuple[Floats, Floats, Floats]:
        """Return coefficients (n, k), biases (k,) and the gamma (1,) of functions of classes."""
        wanted = 2.0 * (sample.y[:, None] == np.arange(k)) - 1
        found = self._fit(sample, wanted, stratified=True)
        factor = sharpness(found.held, sample.at(found.rows))
        bias = np.where((wanted > 0).any(axis=0), factor * found.bias, -np.inf)
        return factor * found.coefficients, bias, np.array([found.gamma])

    def _column(
        self, sample: Sample, y: Floats, *, answers: bool
    ) -> tuple[Floats, np.float64, np.float64]:
        """Return coefficients (n,), bias and gamma of one answer or number, NaN where missing."""
        on = ~np.isnan(y)
        coefficients = np.zeros(len(y))
        if not on.any():
            return coefficients, np.float64(0), np.float64(1)
        rows = sample.at(on)._replace(y=y[on])
        wanted = (2.0 * rows.y - 1 if answers else rows.y.astype(np.float64))[:, None]
        found = self._fit(rows, wanted, stratified=answers)
        both = np.hstack([-found.held, found.held]) / 2
        factor = sharpness(both, rows.at(found.rows)) if answers else 1.0
        coefficients[on] = factor * found.coefficients[:, 0]
        return coefficients, np.float64(factor * found.bias[0]), np.float64(found.gamma)
