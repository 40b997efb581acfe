"""Predictions of a fitted estimator, from the outputs of its model."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, final

import numpy as np
from sklearn.utils.metaestimators import available_if

from fourfold.core.tasks import Attributes, Classification, Task
from fourfold.data.domain import Domain
from fourfold.data.rows import as_rows
from fourfold.errors import ParameterError
from fourfold.estimators.contracts import Estimator, Needs
from fourfold.estimators.model import Model
from fourfold.estimators.reasons.explaining import explain_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fourfold.core.findings import Finding
    from fourfold.data.rows import Rows
    from fourfold.estimators.problem import Fitted, Problem
    from fourfold.estimators.reasons.contributions import Contributions
    from fourfold.preparation.base import Preparation
    from fourfold.training.phases import History

__all__ = ["Predicts"]


def _rows(X: Any) -> Rows:
    return X.rows if isinstance(X, Domain) else as_rows(X)


def _is_of(*tasks: type[Task]) -> Callable[[Predicts], bool]:
    """Return a test whether an estimator's task, as far as it is known, is one of these."""

    def check(estimator: Predicts) -> bool:
        task = estimator.task_ if estimator.__sklearn_is_fitted__() else estimator.task_setting
        if task is None:
            return estimator.estimator_type == "classifier"
        return isinstance(task, tasks)

    return check


class Predicts(Estimator, ABC):
    """An estimator that predicts by a task, prepared inputs and a model.

    Once it is fitted, these are ``task_``, ``inputs_`` and, with history, findings and further
    state, ``fitted_``.
    """

    needs: ClassVar[Needs] = Needs()
    """Requirements on the data."""
    estimator_type: ClassVar[Literal["classifier", "clusterer"]] = "classifier"
    """scikit-learn's type of the estimator where no task is given."""

    @property
    def task_setting(self) -> Task | None:
        """The task that the user asked for; None infers it from the labels."""
        return None

    # --- fitted state ----------------------------------------------------------------------------

    @final
    def take(self, problem: Problem, fitted: Fitted) -> Self:
        """Become fitted with the result of a problem."""
        if isinstance(fitted.model, Model):
            fitted.model.cpu().eval()
        self.task_, self.fitted_ = problem.task, fitted
        self.inputs_ = problem.inputs.knowing(problem.target.rows)
        return self

    @property
    def model_(self) -> Any:
        """The fitted model."""
        return self.fitted_.model

    @property
    def history_(self) -> History:
        """Losses and seconds of the training on the target; empty where nothing was trained."""
        return self.fitted_.history

    @property
    def findings_(self) -> list[Finding]:
        """Curves, tables and facts for the report."""
        return list(self.fitted_.findings)

    @property
    def n_features_in_(self) -> int | None:
        """Length of a row, where rows are vectors."""
        return self.inputs_.n_features

    @property
    def prepare_(self) -> Preparation:
        """The fitted preparation."""
        return self.inputs_.prepare

    @property
    def classes_(self) -> NDArray[Any]:
        """Class names, (k,), the unknown one last; of a classification alone, for scikit-learn."""
        if not isinstance(self.task_, Classification):
            raise AttributeError(f"a {self.task_.kind} has no classes_")  # noqa: TRY004  hasattr asks
        return self.task_.names

    # --- predicting ------------------------------------------------------------------------------

    @final
    def ready(self, X: Any) -> Rows:
        """Return the rows of X as the model takes them."""
        rows = _rows(X)
        ready = self.inputs_.ready(rows)
        self.check_ready(rows, ready)
        return ready

    def check_ready(self, rows: Rows, ready: Rows) -> None:
        """Refuse rows to predict that the method cannot answer for; a method may ask for more."""

    @final
    def outputs(self, X: Any) -> NDArray[np.float32]:
        """Return the model's outputs for each row, before decoding: (n, k)."""
        self.check_fitted()
        return self.fitted_.finished(self.fitted_.model.outputs(self.ready(X)))

    @final
    def embed(self, X: Any) -> NDArray[np.float32]:
        """Return each row's features, before the head: (n, d); of trees, those beside theirs."""
        self.check_fitted()
        return self.fitted_.model.embed(self.ready(X))[:, self.inputs_.start :]

    def onnx_input(self, X: Any) -> NDArray[np.float32] | dict[str, NDArray[Any]]:
        """Return the rows of X as the exported ONNX file takes them.

        For a table these are its columns (n, 1), by name, which can be passed to the session as
        they are: numbers, and dates in days since 1970, are float64, categories are strings. Else
        it is what ``"input"`` takes, (n, ...): arrays as in fit, or prepared rows of texts.
        """
        self.check_fitted()
        return self.inputs_.exported(_rows(X))

    @final
    def predict(self, X: Any, *, among: Any = None) -> NDArray[Any]:
        """Predict each row's label.

        Parameters
        ----------
        X
            (n, ...), as in fit.
        among
            Names of the candidate classes, some or all of ``classes_``; a method that recognizes
            classes by their descriptions also takes new ones, ``{name: description}``.

        Returns
        -------
        ndarray
            (n,) or (n, m), as the user writes labels.

        Raises
        ------
        ParameterError
            If ``among`` holds a class that the model does not know.
        """
        if among is None:
            outputs = self.outputs(X)
            return self.task_.decode(outputs)
        names, outputs = self.outputs_among(X, among)
        return np.asarray(names[outputs.argmax(axis=1)])

    @available_if(_is_of(Classification, Attributes))
    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Predict each row's probabilities, (n, k).

        They are of the classes, in the order of ``classes_``; of several yes/no answers, of each
        yes, as scikit-learn's ``MLPClassifier`` gives them.
        """
        outputs = self.outputs(X)
        task = self.task_ if isinstance(self.task_, Attributes) else self._classification()
        return task.probabilities(outputs)

    def explain(self, X: Any) -> Any:
        """Compute the :class:`Contributions` of the columns of rows X, (n, ...), to their scores.

        They are Shapley values of trees, by the covers of their leaves; weights times differences
        from the target's mean row of lines, and integrated gradients from there of networks. A
        blend combines those of its members. Rows without columns are a ParameterError.
        """
        self.check_fitted()
        return self.explain_rows(self.ready(X))

    def explain_rows(self, ready: Rows) -> Contributions:
        """Compute the contributions of columns to the scores of ready rows."""
        name = type(self).__name__
        return explain_rows(name, self.task_, self.inputs_, self.fitted_, ready)

    @available_if(_is_of(Classification))
    def predict_topk(
        self, X: Any, k: int = 5, *, among: Any = None
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Predict each row's likeliest classes.

        Parameters
        ----------
        X
            (n, ...), as in fit.
        k
            Number of classes.
        among
            As in :meth:`predict`.

        Returns
        -------
        names
            (n, k), the likeliest first.
        outputs
            (n, k) outputs of the model for them; higher is likelier.

        Raises
        ------
        ParameterError
            If k is none of 1 to the number of classes, or ``among`` holds an unknown class.
        """
        self.check_fitted()
        found = self.look_up(X, k) if among is None else None
        if found is not None:
            return found
        names, outputs = self.outputs_among(X, self.classes_ if among is None else among)
        if not 1 <= k <= len(names):
            raise ParameterError(f"k must lie in [1, {len(names)}], the number of classes; got {k}")
        order = np.argsort(-outputs, axis=1, kind="stable")[:, :k]
        return names[order], np.take_along_axis(outputs, order, axis=1)

    @final
    def outputs_among(self, X: Any, among: Any) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Return names (k,) of the candidate classes, and outputs (n, k) for them."""
        described = self.outputs_described(X, among)
        if described is not None:
            return described
        outputs, task = self.outputs(X), self._classification()
        names = np.asarray(list(among))
        codes = task.codes(names)
        if task.beyond:
            codes[np.isin(names, task.beyond)] = task.n_outputs
        if not len(names) or (codes < 0).any():
            strange = ", ".join(repr(name) for name in names[codes < 0][:5].tolist()) or "none"
            raise ParameterError(f"among must hold classes that the model knows; got {strange}")
        return task.names[codes], outputs[:, codes]

    def outputs_described(
        self, X: Any, among: Any
    ) -> tuple[NDArray[Any], NDArray[np.float32]] | None:
        """Return names and outputs for described classes; None where classes are named."""
        del X, among
        return None

    def look_up(self, X: Any, k: int) -> tuple[NDArray[Any], NDArray[np.float32]] | None:
        """Return the k likeliest classes from an index, where there is one."""
        del X, k
        return None

    @final
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Rate predictions for X against y, by weights (n,): accuracy, or R² for a regression."""
        outputs = self.outputs(X)
        domain = Domain(np.zeros((len(outputs), 1)), y, sample_weight=sample_weight)
        return self.task_.score(domain.known, outputs[domain.labelled], domain.known_weight)

    def _classification(self) -> Classification:
        """Return the fitted task, which must be of classes."""
        if not isinstance(self.task_, Classification):
            raise ParameterError(f"classes need a Classification; got {type(self.task_).__name__}")
        return self.task_

    def __sklearn_is_fitted__(self) -> bool:
        return "fitted_" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags

        tags = super().__sklearn_tags__()
        setting = self.task_setting
        tags.estimator_type = self.estimator_type if setting is None else setting.kind
        if tags.estimator_type == "classifier":
            tags.classifier_tags = ClassifierTags()
        elif tags.estimator_type == "regressor":
            tags.regressor_tags = RegressorTags()
        tags.target_tags.required = self.needs.target_labels
        tags.target_tags.multi_output = not self.needs.classes
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        return tags
