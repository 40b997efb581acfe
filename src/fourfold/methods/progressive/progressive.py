"""Progressive networks: a new column beside frozen ones, which it may listen to or ignore."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, final

import numpy as np
from torch import Tensor, nn

from fourfold.algorithms.sensitivity import activation_fisher
from fourfold.core.findings import Facts, HeatMap
from fourfold.core.process import seeded
from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.tasks import TASKS
from fourfold.errors import ParameterError
from fourfold.estimators.contracts import Needs
from fourfold.estimators.problem import Data, Model, once, supervise
from fourfold.frozen.blocks import as_tensor
from fourfold.frozen.fingerprint import fingerprint
from fourfold.methods.progressive._columns import ColumnEstimator, Past, joined
from fourfold.networks.columns import Column, ColumnNetwork, ColumnStack, joints
from fourfold.training.phases import History
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.estimators.problem import Job

__all__ = ["ProgressiveNetwork"]

MOST_ROWS: Final = 1000
"""Target rows that sensitivities are averaged over."""


@final
class ProgressiveNetwork(ColumnEstimator):
    """Grow a new column beside the source's frozen one, and let it learn how much to listen.

    Each old column stays as it is for ever, so that no earlier task is forgotten; behind each stage
    an adapter U relu(V α h) adds what the old column says there to what the new one computes, down
    to its head. Adapters start at U = 0: the column begins as if it were alone, and a source that
    has nothing to say does little harm. What old columns say of a row is computed once.

    ``source`` may be a Domain (a column is trained on it first, once per seed), a fitted estimator
    whose network becomes a column, a bare network, another ``ProgressiveNetwork``, all of whose
    columns stay, or a list of these: then they are columns in this order, and each Domain's is
    trained beside those before it. Networks with stages (``Mlp``, ``ConvNet``) are joined behind
    each, others at their output.

    Attributes
    ----------
    afs_
        (stages, columns) Average Fisher Sensitivity: how much of all that the target's answers
        depend on, at each stage, is in each column; rows add up to 1. It is summed over a stage's
        units before it is divided, since units of two columns are no pairs.
    n_columns_
        How many columns there are, the new one included.
    history_
        Losses and seconds of the training on the target.

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

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)
    plain: ClassVar[tuple[str, ...]] = (*ColumnEstimator.plain, "tasks_", "sensitivity_")

    def _learn(self, job: Job) -> Model:
        fresh = self._start(job)
        past = self._past(job.chain)
        listener, data = self._listener(past, fresh, job.target)
        self.history_: History = supervise(listener, job.task, data, job.recipe)
        chain = [*past, Past(listener.column, listener.head, self.builder_, job.task)]
        self.transfer_score_ = self._transfer_score(past, job)
        model = self._assembled(chain).cpu().eval()
        self.tasks_ = [_kept(one.task) for one in chain]
        self.sensitivity_ = self._sensitivity(model, job.target.known(), job.task)
        self.findings_ += self._found(model)
        return model

    # --- the columns before ----------------------------------------------------------------------

    def _past(self, jobs: Sequence[Job]) -> list[Past]:
        """Return the columns of all sources, in order; those of data are trained."""
        chain: list[Past] = []
        for job in jobs:
            if job.given is None and chain:
                chain.append(self._trained(chain, job))
            else:
                chain += self._taken(job, len(chain))
        return chain

    def _trained(self, past: Sequence[Past], job: Job) -> Past:
        """Train a column on a source beside those before it, once per seed."""
        task = job.known_source_task
        recipe = job.recipe
        with seeded(job.seed):
            body = job.body()
            listener, data = self._listener(
                past, Model(body, task.head(body.width)), job.source_data
            )
            before = fingerprint(ColumnNetwork([one.column for one in past]))
            key = job.key(recipe, before, str(self.adapter_width), str(self.scale))
            once(listener, key, lambda: supervise(listener, task, data, recipe))
        listener.cpu()
        return Past(listener.column, listener.head, self.builder_, task)

    def _taken(self, job: Job, at: int) -> list[Past]:
        """Make columns, from a position on, of a source's network."""
        if isinstance(job.giver, ProgressiveNetwork):
            theirs = copy.deepcopy(job.giver.chain())
            return [replace(one, column=one.column.shift(at)) for one in theirs]
        model = job.source_model.cpu()
        builder = self.builder_ if job.given is None else job.giver and job.giver.builder_
        # one of another kind could not be rebuilt from its number of outputs
        head = model.head if isinstance(model.head, nn.Linear) else nn.Identity()
        return [Past(Column(model.body.bare(), at), head, builder, job.source_task)]

    # --- what was found out ----------------------------------------------------------------------

    @property
    def afs_(self) -> NDArray[np.float64]:
        """Average Fisher Sensitivity, (stages, columns); NaN where a column has no such stage."""
        return np.array(self.sensitivity_, float)

    def _sensitivity(self, model: Model, data: Data, task: Task) -> list[list[float]]:
        """Share out what the answers depend on at each stage among the columns."""
        network = _columns_of(model)
        parts = network.column_list
        own = joints(parts[-1].stages)
        where = [(at, j) for at in own for j, c in enumerate(parts) if at in c.joint_of.values()]

        def run(x: Tensor) -> tuple[Tensor, list[Tensor]]:
            features, said = network.with_activations(x)
            return model.head(features), [said[j][at] for at, j in where]

        x = as_tensor(self.prepared(data.rows).sample(MOST_ROWS))
        fisher = dict(zip(where, activation_fisher(run, x, task), strict=True))
        table = np.array([[fisher.get((at, j), np.nan) for j in range(len(parts))] for at in own])
        total = np.nansum(table, axis=1, keepdims=True)
        shares: list[list[float]] = (table / np.where(total > 0, total, np.nan)).tolist()
        return shares

    def _found(self, model: Model) -> list[HeatMap | Facts]:
        stages = list(_columns_of(model).column_list[-1].joint_of)
        old = [f"column {i}" for i in range(1, self.n_columns_)]
        known = self.afs_[:, -1][~np.isnan(self.afs_[:, -1])]
        share = f"{100 * (1 - known.mean()):.0f} %" if known.size else "unknown: nothing matters"
        facts = {"Of what the answers depend on, in old columns": share}
        if self.transfer_score_ is not None:
            score = f"{100 * self.transfer_score_:.0f} % (a column alone: 100 %)"
            facts["Transfer score, by the area under the learning curve"] = score
        title = "Average Fisher Sensitivity: what the answers depend on"
        columns = [*old, "the new one"]
        return [
            HeatMap(title, "column", "stage", columns, stages, self.sensitivity_),
            Facts("Did it transfer?", facts),
        ]

    # --- earlier tasks ---------------------------------------------------------------------------

    @property
    def n_columns_(self) -> int:
        """How many columns there are, the new one included."""
        return len(self.tasks_)

    def column(self, i: int) -> Self:
        """Return the model of one column's own task; what it says never changes.

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
        return self._model_of(copy.deepcopy(chain), chain[-1].task)

    def _model_of(self, chain: list[Past], task: Task) -> Self:
        model = copy.copy(self)
        if len(chain) < self.n_columns_:  # what was found out is about the newest
            model.findings_, model.sensitivity_, model.transfer_score_ = [], [], None
            model.history_ = History()
        model.task_, model.tasks_ = task, self.tasks_[: len(chain)]
        model.model_ = model._assembled(chain).eval()  # noqa: SLF001  of its own class
        return model

    def chain(self) -> list[Past]:
        """Return all columns, the newest last."""
        n = self.n_columns_
        network = _columns_of(self.model_)
        builders = self.builder_.columns if isinstance(self.builder_, ColumnStack) else [None] * n
        heads = [*network.heads, self.model_.head]
        tasks = [_restored(kept) for kept in self.tasks_]
        return [Past(*one) for one in zip(network.column_list, heads, builders, tasks, strict=True)]


def _columns_of(model: Model) -> ColumnNetwork:
    network = joined(model.body)
    if network is None:
        raise ParameterError(
            "columns of the user's own network must be asked before it is saved; got a loaded "
            "model, which only predicts its newest task"
        )
    return network


def _kept(task: Task | None) -> dict[str, Any] | None:
    """Write a task as JSON can hold it."""
    return None if task is None else {"task": to_plain(task), "state": task.state()}


def _restored(kept: dict[str, Any] | None) -> Task | None:
    if kept is None:
        return None
    task: Task = from_plain(kept["task"], TASKS)
    return task.restore(kept["state"])
