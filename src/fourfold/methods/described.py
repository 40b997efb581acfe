"""What zero-shot methods have in common: classes that are known by their descriptions alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.core.inference import in_blocks
from fourfold.core.signatures import Signatures
from fourfold.core.tasks import Classification
from fourfold.descriptions import Descriptions
from fourfold.domain import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.methods.job import Data, Model
from fourfold.methods.network import NetworkEstimator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.methods.job import Job
    from fourfold.methods.network import Given

__all__ = ["DescribedEstimator", "Generalized", "LabelHead", "Lesson"]

PRACTICE: Final = 3
"""Times that seen classes are held out to choose something for unseen ones."""


class LabelHead(nn.Module, ABC):
    """Scores f(x)·g(y) + b(y) of features (B, d) for classes that are known by signatures.

    Parameters
    ----------
    classes
        How many classes come into question, k.
    width
        Of f(x) and g(y), e.

    Attributes
    ----------
    labels, bias
        (k, e) and (k,): g(y) and b(y) of the classes that come into question.
    """

    labels: Tensor
    bias: Tensor

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("labels", torch.zeros(classes, width))
        self.register_buffer("bias", torch.zeros(classes))

    @abstractmethod
    def place(self, features: Tensor) -> Tensor:
        """Return f(x), (B, e), of features (B, d)."""

    @abstractmethod
    def label(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        """Return g(y), (k, e), and b(y), (k,), of signatures (k, m); NaN is a missing attribute."""

    @final
    def stand_for(self, signatures: Tensor, handicap: Tensor | float = 0.0) -> None:
        """Take these classes, (k, m), as those that come into question.

        Parameters
        ----------
        signatures
            (k, m).
        handicap
            (k,) what is taken off their scores.
        """
        with torch.no_grad():
            labels, bias = self.label(signatures)
        self.labels, self.bias = labels.detach(), (bias - handicap).detach()

    def forward(self, features: Tensor) -> Tensor:
        return self.place(features) @ self.labels.T + self.bias  # (B, k)


@final
@dataclass(frozen=True)
class Lesson:
    """What a zero-shot method learns from: rows of described classes.

    Attributes
    ----------
    data
        Labelled rows; y are the positions of their classes among the signatures.
    signatures
        (c, m) of the classes that have rows; NaN is a missing attribute.
    """

    data: Data
    signatures: Tensor

    def split(self, held: NDArray[np.intp]) -> tuple[Lesson, Lesson]:
        """Part it in two by classes: the rest, and those at these positions."""
        kept = np.setdiff1d(np.arange(len(self.signatures)), held)
        return self._of(kept), self._of(held)

    def practices(self, seed: int) -> Iterator[tuple[Lesson, Lesson]]:
        """Hold out some of the classes in turn: what to learn from, and what is to be recognized.

        About a fifth of the classes, at least two, three times; nothing where fewer than four
        classes have rows.
        """
        classes = len(self.signatures)
        few = max(2, round(classes / 5))
        if classes < 4:
            return
        order = np.random.default_rng(seed).permutation(classes)
        for i in range(min(PRACTICE, classes // few)):
            yield self.split(np.sort(order[i * few : (i + 1) * few]))

    def _of(self, classes: NDArray[np.intp]) -> Lesson:
        y = self.data.y.numpy()
        data = self.data.at(np.flatnonzero(np.isin(y, classes)))
        codes = torch.from_numpy(np.searchsorted(classes, data.y.numpy()))
        return Lesson(replace(data, y=codes), self.signatures[torch.from_numpy(classes)])


class Generalized(NamedTuple):
    """How well rows of seen and of unseen classes are recognized among all of them.

    Attributes
    ----------
    seen, unseen
        Accuracy, averaged over classes, in [0, 1].
    harmonic
        Their harmonic mean.
    """

    seen: float
    unseen: float
    harmonic: float

    @classmethod
    def of(cls, seen: float, unseen: float) -> Self:
        """Add the harmonic mean."""
        return cls(seen, unseen, 2 * seen * unseen / max(seen + unseen, 1e-12))


class DescribedEstimator(NetworkEstimator, ABC):
    """A method that recognizes classes by their descriptions, also without any example.

    Descriptions come with the domains: ``fit(Domain(X, classes=...), source=Domain(Xs, ys,
    classes=...))``. The target's say which classes come into question; where it has none, all that
    the source describes. Classes that have examples in the source are *seen* ones; they come into
    question only where ``generalized`` says so, or where all are seen.

    Parameters
    ----------
    generalized
        Whether rows may be of seen classes, too. Their scores, which are too high, get a handicap
        (calibrated stacking, Chao et al. 2016) that is chosen on seen classes alone: some are held
        out, and the harmonic mean of the accuracies on these and on the others is maximized.
    encoder
        The sentence encoder for descriptions that are texts: its name or folder.

    Attributes
    ----------
    seen_
        Names of the classes that have examples in the source.
    handicap_
        What is taken off the scores of seen classes.
    """

    generalized: bool = False
    encoder: str = "all-MiniLM-L6-v2"

    blind: ClassVar[bool] = True
    plain: ClassVar[tuple[str, ...]] = ("seen_", "handicap_", "signatures_")

    @abstractmethod
    def learn(self, job: Job, lesson: Lesson) -> Model:
        """Train, and return a model whose head is a :class:`LabelHead`, for any classes."""

    # --- fitting ---------------------------------------------------------------------------------

    @final
    def task_for(self, target: Domain, source: Domain | None, given: Given | None) -> Task:
        seen = self._seen(source, given)
        self.seen_: list[Any] = seen.classes_.tolist()
        described = self._described(target, source)
        known = described.subset(self.seen_)
        asked = described if target.classes is None else self._encoded(target.classes)
        if not self.generalized:
            unseen = [name for name in asked.names.tolist() if name not in known]
            asked = asked.subset(unseen or asked.names.tolist())
        elif target.classes is not None:
            asked = asked.joined(known)
        self._known, self._asked_for = known, asked
        self.signatures_: dict[str, Any] = Signatures.fit(asked.joined(known)).state()
        task = Classification()
        task.classes_ = np.unique(asked.names)
        if len(task.classes_) < 2:
            only = asked.names.tolist()[0]
            raise DataError(f"at least two classes must come into question; got one, {only!r}")
        return task

    @final
    def _learn(self, job: Job) -> Model:
        lesson = self._lesson(job)
        self.handicap_ = self._calibrated(job, lesson) if self.generalized else 0.0
        model = self.learn(job, lesson)
        self._stand_for(model, self._asked_for.subset(self.classes_.tolist()))
        del self._known, self._asked_for
        return model

    def _seen(self, source: Domain | None, given: Given | None) -> Classification:
        """Return the task of the source: the classes that have examples."""
        if given is not None:
            if not isinstance(given.task, Classification):
                raise ParameterError(
                    f"source of {type(self).__name__} must be data with classes, or an estimator "
                    "that was fitted to some; got a model that names none"
                )
            return given.task
        if source is None or source.known.ndim > 1 or source.measured:
            raise DataError(
                f"{type(self).__name__} must have classes to learn; got a source whose labels are "
                "numbers"
            )
        seen = Classification().fit(source)
        if len(seen.classes_) < 2:
            raise DataError(
                "the source must have examples of at least two classes; got one class, "
                f"{seen.classes_.tolist()[0]!r}"
            )
        return seen

    def _described(self, target: Domain, source: Domain | None) -> Descriptions:
        """Return all descriptions that there are."""
        own = source.classes if source is not None else None
        if target.classes is None and own is None:
            raise DataError(
                f"{type(self).__name__} must know descriptions of the classes, Domain(..., "
                "classes=...); got none"
            )
        whole = own.joined(target.classes) if own is not None else target.classes
        return self._encoded(whole) if whole is not None else Descriptions([], [])

    def _encoded(self, descriptions: Descriptions) -> Descriptions:
        """Make vectors of texts."""
        if descriptions.texts is None:
            return descriptions
        from fourfold.core.sentences import encode_sentences

        vectors = encode_sentences(descriptions.texts, self.encoder)
        return Descriptions(descriptions.names, vectors)

    def _lesson(self, job: Job) -> Lesson:
        """Return the labelled rows of the source with the signatures of their classes."""
        signatures = self._signatures_of(self._known)
        if job.source is None:  # a trained model, without data
            nothing = Data(job.target.rows.subset(np.array([], dtype=np.intp)), torch.zeros(0).long(), np.zeros(0, bool))
            return Lesson(nothing, signatures)
        return Lesson(job.source.known(), signatures)

    def _calibrated(self, job: Job, lesson: Lesson) -> float:
        """Choose the handicap of seen classes, on seen classes alone."""
        seen: list[NDArray[np.float64]] = []
        unseen: list[NDArray[np.float64]] = []
        for rest, held in lesson.practices(self.random_state):
            n = len(rest.data.y)
            order = np.random.default_rng(self.random_state).permutation(n)
            test, train = order[: n // 5], order[n // 5 :]
            model = self.learn(job, replace(rest, data=rest.data.at(np.sort(train))))
            both = torch.cat([rest.signatures, held.signatures])
            head = _head(model)
            head.stand_for(both)
            c = len(rest.signatures)
            for into, data, first in (
                (seen, rest.data.at(np.sort(test)), 0),
                (unseen, held.data, c),
            ):
                scores = in_blocks(model, data.rows)
                into.append(_margins(scores, data.y.numpy() + first, c))
        if not seen:
            raise DataError(
                "at least four classes must have examples to weigh seen against unseen ones "
                f"(generalized); got {len(lesson.signatures)}"
            )
        return _handicap(np.concatenate(seen), np.concatenate(unseen))

    # --- classes that come into question ---------------------------------------------------------

    def _signatures_of(self, descriptions: Descriptions) -> Tensor:
        made = Signatures.restore(self.signatures_).transform(self._encoded(descriptions))
        return torch.from_numpy(np.ascontiguousarray(made))

    def _stand_for(self, model: Model, descriptions: Descriptions) -> None:
        handicap = [self.handicap_ * (name in self.seen_) for name in descriptions.names.tolist()]
        _head(model).stand_for(self._signatures_of(descriptions), torch.tensor(handicap))

    @final
    def outputs_among(self, X: Any, among: Any) -> tuple[NDArray[Any], NDArray[np.float32]]:
        if not isinstance(among, (dict, Descriptions)) and not _is_frame(among):
            return super().outputs_among(X, among)
        self.check_fitted()
        described = Descriptions.of(among)
        model = self._copy(len(described))
        self._stand_for(model, described)
        return described.names, in_blocks(model, self._asked(X))

    @final
    def add_classes(self, classes: Any) -> Self:
        """Let more classes come into question, without training.

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
        added = self._copy(len(new))
        self._stand_for(added, new)
        names = np.concatenate([self.classes_, new.names])
        order = torch.from_numpy(np.argsort(names, kind="stable"))
        old, more = _head(self.model_), _head(added)
        old.labels = torch.cat([old.labels, more.labels])[order]
        old.bias = torch.cat([old.bias, more.bias])[order]
        self._classification.classes_ = np.sort(names)
        return self

    def _copy(self, classes: int) -> Model:
        """Return the model with another head of the same weights, for so many classes."""
        head = self.head_for(self.model_.body.width, classes)
        weights = {k: v for k, v in _head(self.model_).state_dict().items() if k not in _CLASSES}
        head.load_state_dict(weights, strict=False)
        return Model(self.model_.body, head).eval()

    @final
    def last_layer(self, width: int) -> LabelHead:
        return self.head_for(width, self.task_.n_outputs)

    @abstractmethod
    def head_for(self, width: int, classes: int) -> LabelHead:
        """Build a fresh head on features (B, width) for so many classes."""

    @property
    def signature_width(self) -> int:
        """How many numbers describe a class, m."""
        return Signatures.restore(self.signatures_).width

    # --- judging ---------------------------------------------------------------------------------

    @final
    def score_generalized(self, X: Any, y: Any) -> Generalized:
        """Rate rows of seen and of unseen classes among all classes that come into question.

        Parameters
        ----------
        X, y
            (n, ...) and (n,), rows of seen and of unseen classes.

        Raises
        ------
        DataError
            If there is no row of seen, or none of unseen classes.
        """
        true = self._classification.codes(Domain(np.zeros((len(y), 1)), y).known)
        guess = self.outputs(X).argmax(axis=1)
        seen = np.isin(self.classes_, self.seen_)
        codes = np.unique(true)
        right = {int(c): float((guess[true == c] == c).mean()) for c in codes}
        parts = [[rate for c, rate in right.items() if c >= 0 and seen[c] == on] for on in (1, 0)]
        if not all(parts):
            raise DataError("rows of seen and of unseen classes must be there; got one kind only")
        return Generalized.of(float(np.mean(parts[0])), float(np.mean(parts[1])))


_CLASSES: Final = {"labels", "bias"}


def _head(model: Model) -> LabelHead:
    if not isinstance(model.head, LabelHead):
        raise TypeError(f"a zero-shot model must end in a LabelHead; got {type(model.head)}")
    return model.head


def _is_frame(among: Any) -> bool:
    from pandas import DataFrame

    return isinstance(among, DataFrame)


def _margins(scores: NDArray[np.float32], true: NDArray[np.intp], seen: int) -> NDArray[np.float64]:
    """Return, for each row, its class and from which to which handicap it is recognized, (n, 3).

    Seen classes come first; a row is right while it beats all of its own side and, after the
    handicap, the other side.
    """
    best_seen, best_unseen = scores[:, :seen].max(axis=1), scores[:, seen:].max(axis=1)
    own = scores[np.arange(len(true)), true]
    of_seen = true < seen
    leads = own >= np.where(of_seen, best_seen, best_unseen)
    gap = (best_seen - best_unseen).astype(np.float64)  # the handicap at which both sides tie
    low = np.where(of_seen, -np.inf, gap)
    high = np.where(of_seen, gap, np.inf)
    return np.column_stack([true, np.where(leads, low, np.inf), np.where(leads, high, -np.inf)])


def _handicap(seen: NDArray[np.float64], unseen: NDArray[np.float64]) -> float:
    """Return the handicap with the best harmonic mean of both accuracies, averaged over classes."""
    ends = np.concatenate([seen[:, 2], unseen[:, 1]])
    ends = np.unique(ends[np.isfinite(ends)])
    if not len(ends):
        return 0.0
    tried = np.concatenate([[ends[0] - 1], (ends[1:] + ends[:-1]) / 2, [ends[-1] + 1]])
    tried = tried[:: max(1, len(tried) // 500)]
    rated = [Generalized.of(_rate(seen, at), _rate(unseen, at)).harmonic for at in tried.tolist()]
    return float(tried[int(np.argmax(rated))])


def _rate(margins: NDArray[np.float64], at: float) -> float:
    """Return the accuracy at a handicap, averaged over classes."""
    right = (margins[:, 1] <= at) & (at <= margins[:, 2])
    return float(np.mean([right[margins[:, 0] == c].mean() for c in np.unique(margins[:, 0])]))
