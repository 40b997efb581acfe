"""Base of zero-shot methods: classes that are known by their descriptions alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.core.tasks import Classification, Task
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.model import Model
from fourfold.estimators.posing import fit_task
from fourfold.estimators.problem import Labelled
from fourfold.methods.zeroshot._calibration import (
    check_has_rows,
    choose_penalty,
    score_spread,
    seen_penalties,
)
from fourfold.methods.zeroshot._candidates import INDEX, KnowsCandidates
from fourfold.methods.zeroshot._index import ClassIndex
from fourfold.methods.zeroshot._label_heads import LabelHead, head_of
from fourfold.methods.zeroshot._seen import SeenData, described_classes, seen_classes
from fourfold.methods.zeroshot._towers import classes_of_towers, tower_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.core.findings import Finding
    from fourfold.data.domain import Domain
    from fourfold.estimators.problem import ClassDescriptions, Fitted, Given, Problem

__all__ = ["Describes"]


class Describes(KnowsCandidates, ABC):
    """A method that recognizes classes by their descriptions, also without any example.

    Descriptions come with the domains: ``fit(Domain(X, classes=...), source=Domain(Xs, ys,
    classes=...))``. The target's name the candidate classes; where it has none, all that the source
    describes are. Classes with examples in the source are *seen*; they are candidates only where
    ``generalized`` says so, or where all are seen.

    Parameters
    ----------
    generalized
        Whether rows may be of seen classes, too. A penalty on their scores, which are too high
        (calibrated stacking, Chao et al. 2016), is chosen on seen classes alone: some are held out
        in turn, for a large harmonic mean of the accuracies on these and on the others. It is
        carried over in units of the spread of a model's own scores.
    """

    generalized: bool = False

    uses_target_labels: ClassVar[bool] = False
    accepts_models: ClassVar[bool] = False
    """Whether a trained model can be the source, without data."""
    accepts_towers: ClassVar[bool] = False
    """Whether a network of two towers can be the source, which knows classes by their names."""

    def _choose(self, problem: Problem, seen: SeenData) -> Any:
        """Choose parameters on folds of seen classes, once, for all calls of :meth:`_recognize`."""
        del problem, seen

    @abstractmethod
    def _recognize(self, problem: Problem, seen: SeenData, chosen: Any) -> Fitted:
        """Learn a model that ends in a :class:`LabelHead`, for any classes."""

    @abstractmethod
    def label_head(
        self, width: int, classes: int, signatures: Signatures, state: Mapping[str, Any]
    ) -> LabelHead:
        """Build a fresh head on features (B, width) for so many classes."""

    def _explain(self, problem: Problem, model: Model) -> list[Finding]:
        """Return explanations of some answers."""
        del problem, model
        return []

    @property
    @final
    def takes_network(self) -> bool:
        return self.accepts_towers

    # --- fitting ---------------------------------------------------------------------------------

    @final
    def describe_classes(self, given: Given) -> ClassDescriptions:
        name = type(self).__name__
        if self.accepts_towers and (found := classes_of_towers(given)) is not None:
            return found
        if given.pretrained is not None and not self.accepts_models:
            also = ", or a network of two towers, such as CLIP" if self.accepts_towers else ""
            text = f"source of {name} must be data, Domain(X, y){also}; got a trained model"
            raise ParameterError(text)
        seen = seen_classes(name, given.source, given.pretrained)
        domains = [domain for domain in (given.source, given.target) if domain is not None]
        return described_classes(name, domains, seen, self.encoder, generalized=self.generalized)

    @final
    def infer_task(self, given: Given, classes: ClassDescriptions | None) -> Task:
        del given
        if classes is None:
            raise TypeError("a zero-shot problem must have descriptions of its classes; got none")
        names = classes.candidates.names
        task = Classification().among(np.unique(names))
        if len(task.classes_) < 2:
            only = names.tolist()[0]
            raise DataError(f"there must be at least two candidate classes; got one, {only!r}")
        return task

    @final
    def infer_source_task(self, source: Domain, given: Given, task: Task) -> Task | None:
        del given, task
        return fit_task(None, source)

    @final
    def restore_head(self, task: Task, width: int, state: Mapping[str, Any]) -> LabelHead:
        signatures = Signatures.restore(state["signatures_"])
        return self.label_head(width, task.n_outputs, signatures, state)

    @final
    def _learn(self, problem: Problem) -> Fitted:
        classes = problem.described
        data = problem.target.at(np.array([], np.intp))  # a trained model has no data
        if isinstance(problem.source, Labelled):
            data = problem.source.data.known()
        seen = SeenData(data, self._vectors(classes.signatures, classes.known))
        chosen = self._choose(problem, seen)
        spreads = 0.0
        if self.generalized:
            check_has_rows(problem.source)
            spreads = choose_penalty(
                seen, problem.seed, lambda some: _network(self._recognize(problem, some, chosen))
            )
        fitted = self._recognize(problem, seen, chosen)
        model = _network(fitted)
        penalty = spreads * score_spread(model, seen) if spreads else 0.0
        names = np.unique(classes.candidates.names).tolist()
        known = classes.candidates.subset(names)
        penalties = seen_penalties(known, classes.seen, penalty)
        head_of(model).set_classes(self._vectors(classes.signatures, known), penalties)
        files = {}
        if self._is_indexed(len(names)):
            files[INDEX] = ClassIndex.build(self.index, model, seen.data.rows)
        state = {"seen_": classes.seen, "seen_penalty_": penalty}
        state |= {"signatures_": classes.signatures.state(), **fitted.state}
        state |= tower_state(problem)
        return replace(fitted, findings=self._explain(problem, model), state=state, files=files)


def _network(fitted: Fitted) -> Model:
    if not isinstance(fitted.model, Model):
        raise TypeError(f"a zero-shot model must be a network; got {type(fitted.model)}")
    return fitted.model.cpu().eval()
