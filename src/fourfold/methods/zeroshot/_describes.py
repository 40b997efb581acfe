"""Base of zero-shot methods: classes that are known by their descriptions alone."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, final

import numpy as np
import pandas as pd
import torch

from fourfold.algorithms.zeroshot.generalized import GeneralizedScore
from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.core.tasks import Classification, Task
from fourfold.data.descriptions import Descriptions
from fourfold.data.domain import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.model import Model
from fourfold.estimators.posing import fit_task
from fourfold.estimators.problem import Labelled
from fourfold.estimators.transfer import TransferEstimator
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._calibration import (
    check_has_rows,
    choose_penalty,
    score_spread,
    seen_penalties,
)
from fourfold.methods.zeroshot._index import ClassIndex
from fourfold.methods.zeroshot._label_heads import InputEmbedding, LabelHead, head_of
from fourfold.methods.zeroshot._seen import SeenData, described_classes, seen_classes
from fourfold.methods.zeroshot._towers import classes_of_towers, described_later, tower_state
from fourfold.preparation.texts import encode_descriptions

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.core.findings import Finding
    from fourfold.estimators.problem import ClassDescriptions, Fitted, Given, Problem

__all__ = ["Describes"]

VERY_MANY: Final = 50_000
"""From this number of classes on, the likeliest ones are looked up in an index."""
INDEX: Final = "index"
"""Name of the index among the files of a model."""


class Describes(TransferEstimator, ABC):
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
    encoder
        Sentence encoder for descriptions that are texts: its name or folder. A name that is not in
        the Hugging Face cache is downloaded by ``fit``, never by predictions.
    index
        Kind of the :class:`~fourfold.algorithms.label_index.LabelIndex` (extra ``labels``) that
        ``predict_topk`` looks classes up in; it is saved with the model and grows with
        :meth:`add_classes`. ``"auto"`` compares all classes below 50 000, and has an index from
        there.

    Attributes
    ----------
    seen_
        Names of the classes with examples in the source.
    seen_penalty_
        Penalty on the scores of seen classes.
    """

    generalized: bool = False
    encoder: str = "all-MiniLM-L6-v2"
    index: Literal["auto", "exact", "ivf", "hnsw"] = "auto"

    uses_target_labels: ClassVar[bool] = False
    accepts_models: ClassVar[bool] = False
    """Whether a trained model can be the source, without data."""
    accepts_towers: ClassVar[bool] = False
    """Whether a network of two towers can be the source, which knows classes by their names."""
    keeps_missing: ClassVar[bool] = False
    """Whether signatures keep missing attributes as NaN; else the average takes their place."""

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

    def _vectors(self, signatures: Signatures, descriptions: Descriptions) -> Tensor:
        """Return signatures (k, m) of described classes."""
        encoded = encode_descriptions(descriptions, self.encoder)
        made = signatures.transform if self.keeps_missing else signatures.filled
        return torch.from_numpy(np.array(made(encoded)))

    def _is_indexed(self, classes: int) -> bool:
        return self.index != "auto" or classes >= VERY_MANY

    # --- candidate classes -----------------------------------------------------------------------

    @property
    def seen_(self) -> list[Any]:
        """Names of the classes with examples in the source."""
        return list(self.fitted_.state["seen_"])

    @property
    def seen_penalty_(self) -> float:
        """Penalty on the scores of seen classes."""
        return float(self.fitted_.state["seen_penalty_"])

    @property
    def signatures(self) -> Signatures:
        """The fitted signatures."""
        return Signatures.restore(self.fitted_.state["signatures_"])

    def load_files(self, folder: Path, task: Task) -> dict[str, ClassIndex]:
        there = (folder / INDEX).exists()
        return {INDEX: ClassIndex.load(folder / INDEX, task.n_outputs)} if there else {}

    @final
    def outputs_described(
        self, X: Any, among: Any
    ) -> tuple[NDArray[Any], NDArray[np.float32]] | None:
        if not isinstance(among, (Mapping, Descriptions, pd.DataFrame)):
            return None
        self.check_fitted()
        described = Descriptions.of(among)
        return described.names, self._for_classes(described).outputs(self.ready(X))

    @final
    def look_up(self, X: Any, k: int) -> tuple[NDArray[Any], NDArray[np.float32]] | None:
        if not self._is_indexed(len(self.classes_)):
            return None
        if INDEX not in self.fitted_.files:  # very many only since classes were added
            self.fitted_.files[INDEX] = ClassIndex.build(self.index, self.model_)
        queries = in_blocks(InputEmbedding(self.model_), self.ready(X))
        scores, positions = self.fitted_.files[INDEX].search(queries, k)
        return self.classes_[positions], scores

    @final
    def add_classes(self, classes: Any) -> Self:
        """Add candidate classes, without training.

        Parameters
        ----------
        classes
            Their descriptions, as in ``Domain(..., classes=...)``.

        Raises
        ------
        DataError
            If one is known already, or described in another way than those of fit.
        """
        self.check_fitted()
        new = Descriptions.of(classes)
        known = set(self.classes_.tolist())
        twice = [name for name in new.names.tolist() if name in known]
        if twice:
            raise DataError(f"classes to add must be new ones; got {twice[0]!r} again")
        old, more = head_of(self.model_), head_of(self._for_classes(new))
        names = np.concatenate([self.classes_, new.names])
        order = torch.from_numpy(np.argsort(names, kind="stable"))
        if INDEX in self.fitted_.files:
            index = self.fitted_.files[INDEX]
            index.add(more.labels.numpy(), more.bias.numpy(), order.numpy())
        old.labels = torch.cat([old.labels, more.labels])[order]
        old.bias = torch.cat([old.bias, more.bias])[order]
        self._classification().classes_ = np.sort(names)
        return self

    def _for_classes(self, described: Descriptions) -> Model:
        """Return the model with a head of its own, for other candidate classes."""
        model = Model(self.model_.body, copy.deepcopy(self.model_.head)).eval()
        described = described_later(self.fitted_.state, described)
        penalties = seen_penalties(described, self.seen_, self.seen_penalty_)
        head_of(model).set_classes(self._vectors(self.signatures, described), penalties)
        return model

    @final
    def score_generalized(self, X: Any, y: Any) -> GeneralizedScore:
        """Rate rows of seen and of unseen classes among all candidate classes.

        Parameters
        ----------
        X, y
            (n, ...) and (n,), rows of seen and of unseen classes.

        Raises
        ------
        DataError
            If there is no row of seen, or none of unseen classes.
        """
        outputs = self.outputs(X)
        rows = Domain(np.zeros((len(outputs), 1)), y)
        true = self._classification().codes(rows.known)
        guess = outputs[rows.labelled].argmax(axis=1)
        if (true < 0).any():
            strange = np.unique(rows.known[true < 0]).tolist()[0]
            raise DataError(f"rows must be of candidate classes; got {strange!r}")
        return GeneralizedScore.of_rows(true, guess, np.isin(self.classes_, self.seen_))


def _network(fitted: Fitted) -> Model:
    if not isinstance(fitted.model, Model):
        raise TypeError(f"a zero-shot model must be a network; got {type(fitted.model)}")
    return fitted.model.cpu().eval()
