"""An estimator without a network: boosted trees on the rows of both domains."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from fourfold.core.findings import Facts
from fourfold.core.parameters import PositiveInt
from fourfold.estimators.contracts import Needs
from fourfold.estimators.model import FittedModel
from fourfold.estimators.posing import fit_task
from fourfold.estimators.problem import Fitted
from fourfold.estimators.transfer import TransferEstimator


@final
class Trees(FittedModel):
    """Boosted trees that give the logarithm of each class's probability."""

    def __init__(self, boosting, inputs, classes):
        self.boosting, self.inputs, self.classes = boosting, inputs, classes

    def embed(self, rows):
        return self.inputs.above_preparation(rows).take(np.arange(rows.n))

    def outputs(self, rows):
        outputs = np.full((rows.n, self.classes), -np.inf, np.float32)
        known = self.boosting.classes_.astype(int)
        outputs[:, known] = np.log(self.boosting.predict_proba(self.embed(rows)))
        return outputs


@final
class Boosting(TransferEstimator):
    """Boost trees on the source's and the target's rows together."""

    max_iter: PositiveInt = 20

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, classes=True, same_labels=True)

    def infer_task(self, given, classes):  # noqa: ARG002
        return fit_task(None, given.source or given.target)

    def infer_source_task(self, source, given, task):  # noqa: ARG002
        return task

    def _learn(self, problem):
        parts = [data.known() for data in (problem.source_data, problem.target)]
        X = [problem.inputs.above_preparation(part.rows) for part in parts]
        boosting = HistGradientBoostingClassifier(
            max_iter=self.max_iter, early_stopping=False, random_state=problem.seed
        ).fit(
            np.concatenate([rows.take(np.arange(rows.n)) for rows in X]),
            np.concatenate([part.y for part in parts]),
        )
        facts = Facts("Trees", {"rounds": f"{boosting.n_iter_}"})
        return Fitted(Trees(boosting, problem.inputs, problem.task.n_outputs), findings=[facts])
