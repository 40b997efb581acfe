"""Progressive networks: a new column with lateral connections from frozen ones."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import numpy as np
from torch import nn

from fourfold.methods.kit import USUAL, Fitted, History, Needs, ParameterError, Problem, Recipe
from fourfold.methods.progressive._columns import (
    FrozenColumn,
    GrowsColumn,
    assemble,
    chain_of,
    columns_of,
    kept_task,
    old_columns,
)
from fourfold.methods.progressive._sensitivity import column_findings, column_sensitivity

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ProgressiveNetwork"]


@final
class ProgressiveNetwork(GrowsColumn):
    """Train a new column beside the source's frozen one, with adapters from each of its stages.

    Old columns never change, so that no earlier task is forgotten; behind each stage an adapter
    U relu(V α h) adds the old column's activation h to the new one's. Adapters start at U = 0: the
    column begins as if it were alone, and an unrelated source does little harm. Activations of old
    columns are computed once.

    ``source`` may be a Domain (a column is trained on it first, once per seed), a fitted estimator
    whose network becomes a column, a bare network, another ``ProgressiveNetwork``, all of whose
    columns stay, or a list of these, which become columns in this order, each Domain's trained
    beside those before it. Networks with stages (``Mlp``, ``ConvNet``) are joined behind each,
    others at their output.

    Attributes
    ----------
    afs_
        (stages, columns) Average Fisher Sensitivity: each column's share of the Fisher information
        of the target's answers about the activations of a stage; rows add up to 1. It is summed
        over a stage's units before it is divided, since units of two columns are no pairs.
    n_columns_
        Number of columns, the new one included.

    References
    ----------
    Rusu et al., Progressive Neural Networks, arXiv:1606.04671, 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ProgressiveNetwork().fit(X[::5] + 0.1, y[::5], source=Domain(X, y))
    >>> model.score(X, y) > 0.8, model.afs_.shape
    (True, (2, 2))
    """

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, costly=True, transcripts=True)
    default_recipe: ClassVar[Recipe] = USUAL

    def _learn(self, problem: Problem) -> Fitted:
        fresh = problem.model(self.fresh_body(problem))
        past = old_columns(self, problem.chain)
        chain, history, score = self.grow(past, fresh, problem)
        model = assemble(problem.inputs, chain).cpu().eval()
        network, known = columns_of(model), problem.target.known()
        rows = problem.inputs.above_preparation(known.rows)
        sensitivity = column_sensitivity(model, network, rows, problem.task)
        state = {
            "transfer_score_": score,
            "tasks_": [kept_task(one.task) for one in chain],
            "sensitivity_": sensitivity,
        }
        return Fitted(model, history, column_findings(network, sensitivity, score), state)

    @property
    def afs_(self) -> NDArray[np.float64]:
        """Average Fisher Sensitivity, (stages, columns); NaN where a column has no such stage."""
        return np.array(self.fitted_.state["sensitivity_"], float)

    @property
    def n_columns_(self) -> int:
        """Number of columns, the new one included."""
        return len(self.fitted_.state["tasks_"])

    def chain(self) -> list[FrozenColumn]:
        """Return all columns, the newest last."""
        return chain_of(self.model_, self.fitted_.state["tasks_"])

    def column(self, i: int) -> Self:
        """Return the model of one column's own task; it never changes.

        Parameters
        ----------
        i
            Position of the column, the oldest first; negative ones count from the newest.

        Returns
        -------
        ProgressiveNetwork
            Fitted: its last column is that one.

        Raises
        ------
        ParameterError
            If there is no such column; if it is from a bare network, whose outputs may mean
            anything, or from one whose last layer is not linear; or if columns are modules of the
            user's, of a saved model: that only predicts.
        """
        self.check_fitted()
        if not -self.n_columns_ <= i < self.n_columns_:
            raise ParameterError(
                f"column must be a whole number from 0 to {self.n_columns_ - 1}; got {i}"
            )
        chain = self.chain()[: i % self.n_columns_ + 1]
        if chain[-1].task is None or isinstance(chain[-1].head, nn.Identity):
            raise ParameterError(
                f"column {i} must have a task and a linear last layer to answer by itself; the "
                "network that it is from has not"
            )
        estimator = copy.copy(self)
        estimator.task_ = chain[-1].task
        model = assemble(self.inputs_, copy.deepcopy(chain)).eval()
        tasks = self.fitted_.state["tasks_"]
        state: dict[str, Any] = {**self.fitted_.state, "tasks_": tasks[: len(chain)]}
        history, findings = self.history_, self.findings_
        if len(chain) < self.n_columns_:  # these are about the newest
            history, findings = History(), []
            state |= {"transfer_score_": None, "sensitivity_": []}
        estimator.fitted_ = Fitted(model, history, findings, state)
        return estimator
