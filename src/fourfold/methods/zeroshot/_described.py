"""What zero-shot methods have in common: classes that are known by their descriptions alone."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, TypeAlias, final

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.zeroshot.generalized import GeneralizedScore
from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.core.tasks import Classification
from fourfold.data.descriptions import Descriptions, candidate_classes
from fourfold.data.domain import Domain
from fourfold.data.rows import evenly
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import Data, Model
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._index import Indexed
from fourfold.preparation.descriptions import encode_descriptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.algorithms.linear import Affine
    from fourfold.core.findings import Finding
    from fourfold.core.tasks import Task
    from fourfold.estimators.network import Given
    from fourfold.estimators.problem import Job

__all__ = [
    "DescribedEstimator",
    "Embedded",
    "LabelHead",
    "Lesson",
    "Match",
    "Placed",
]

Match: TypeAlias = Literal["product", "angle", "distance"]

VERY_MANY: Final = 50_000
"""From so many classes on, the likeliest ones are looked up in an index."""
ASKED: Final = 200
"""Rows of the source that an index is calibrated with."""
INDEX: Final = "index"
"""The folder of the index in a bundle."""
PRACTICE: Final = 5
"""Times that seen classes are held out to choose something for unseen ones."""
MANY: Final = 500
"""From so many classes on, two times tell as much."""
GOOD: Final = 0.02
"""Handicaps whose harmonic mean is this near to the best one are as good."""
LOOKED_AT: Final = 500
"""Rows on which the spread of scores is measured."""


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
        """Return g(y), (k, e), and b(y), (k,), of signatures (k, m)."""

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
class Placed(nn.Module):
    """A model up to f(x): rows (B, ...) to (B, e)."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.body, self.head = model.body, _head(model)

    def forward(self, x: Tensor) -> Tensor:
        return self.head.place(self.body(x))


@final
class Embedded(LabelHead):
    """Places rows and classes by a linear map each.

    Parameters
    ----------
    width, signature
        Of features, d, and of signatures, m.
    classes
        How many classes come into question, k.
    size
        Of the space that both are placed in, e; None: signatures are where they are, e = m.
    match
        How f(x) and g(y) are compared: ``"product"``, f·g; ``"angle"``, both of unit length;
        ``"distance"``, −½‖f − g‖², but for a number that all classes of a row share.

    Attributes
    ----------
    origin
        (m,) what is taken off signatures first.
    """

    origin: Tensor

    def __init__(
        self, width: int, signature: int, classes: int, *, size: int | None, match: Match
    ) -> None:
        super().__init__(classes, signature if size is None else size)
        self.register_buffer("origin", torch.zeros(signature))
        self.f = nn.Linear(width, signature if size is None else size)
        self.g = nn.Identity() if size is None else nn.Linear(signature, size)
        self.match = match

    def place(self, features: Tensor) -> Tensor:
        placed: Tensor = self.f(features)
        return F.normalize(placed) if self.match == "angle" else placed

    def label(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        placed = self.g(signatures - self.origin)
        if self.match == "angle":
            placed = F.normalize(placed)
        bias = placed.new_zeros(len(placed))
        return placed, bias - placed.square().sum(1) / 2 if self.match == "distance" else bias

    def take(self, f: Affine, g: Affine | None = None, *, origin: Tensor | None = None) -> None:
        """Take over what was found in closed form."""
        if origin is not None:
            self.origin.copy_(origin)
        for layer, found in ((self.f, f), (self.g, g)):
            if isinstance(layer, nn.Linear) and found is not None:
                layer.weight = nn.Parameter(torch.from_numpy(found.weight.T.copy()).float())
                layer.bias = nn.Parameter(torch.from_numpy(found.bias).float())


@final
@dataclass(frozen=True)
class Lesson:
    """What a zero-shot method learns from: rows of described classes.

    Attributes
    ----------
    data
        Labelled rows; y are the positions of their classes among the signatures.
    signatures
        (c, m) of the classes that have rows.
    whole
        Whether these are all rows of the source, none kept for a practice.
    """

    data: Data
    signatures: Tensor
    whole: bool = True

    def split(self, held: NDArray[np.intp]) -> tuple[Lesson, Lesson]:
        """Part it in two by classes: the rest, and those at these positions."""
        kept = np.setdiff1d(np.arange(len(self.signatures)), held)
        return self._of(kept), self._of(held)

    @property
    def times(self) -> int:
        """How often it takes to hold classes out to choose a method's own parameters."""
        return PRACTICE if len(self.signatures) < MANY else 2

    def practices(self, seed: int, most: int = PRACTICE) -> Iterator[tuple[Lesson, Lesson]]:
        """Hold out some of the classes in turn: what to learn from, and what is to be recognized.

        About a fifth of the classes, at least two; nothing where fewer than four classes have rows.

        Parameters
        ----------
        seed
            Of the order in which classes are held out.
        most
            How often, at most.
        """
        classes = len(self.signatures)
        few = max(2, round(classes / 5))
        if classes < 4:
            return
        order = np.random.default_rng(seed).permutation(classes)
        for i in range(min(most, classes // few)):
            yield self.split(np.sort(order[i * few : (i + 1) * few]))

    def _of(self, classes: NDArray[np.intp]) -> Lesson:
        y = self.data.y.numpy()
        data = self.data.at(np.flatnonzero(np.isin(y, classes)))
        codes = torch.from_numpy(np.searchsorted(classes, data.y.numpy()))
        signatures = self.signatures[torch.from_numpy(classes)]
        return Lesson(replace(data, y=codes), signatures, whole=False)

    def apart(self, seed: int) -> tuple[Lesson, Data]:
        """Keep a fifth of the rows, of all classes: what to learn from, and those rows."""
        n = len(self.data.y)
        order = np.random.default_rng(seed).permutation(n)
        kept, rest = np.sort(order[: n // 5]), np.sort(order[n // 5 :])
        return replace(self, data=self.data.at(rest), whole=False), self.data.at(kept)


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
        out in turn, and the harmonic mean of the accuracies on these and on the others is made
        large. It is carried over in units of the spread of a model's own scores.
    encoder
        The sentence encoder for descriptions that are texts: its name or folder.
    index
        How ``predict_topk`` finds the likeliest classes: in a
        :class:`~fourfold.algorithms.label_index.LabelIndex` of this kind (extra ``labels``), which
        is saved with the model and grows with :meth:`add_classes`. ``"auto"`` looks at all
        classes below 50 000, and has an index from there.

    Attributes
    ----------
    seen_
        Names of the classes that have examples in the source.
    handicap_
        What is taken off the scores of seen classes.
    """

    generalized: bool = False
    encoder: str = "all-MiniLM-L6-v2"
    index: Literal["auto", "exact", "ivf", "hnsw"] = "auto"

    blind: ClassVar[bool] = True
    of_models: ClassVar[bool] = False
    """Whether a trained model can be the source, without data."""
    holes: ClassVar[bool] = False
    """Whether signatures keep their holes, NaN; else a missing attribute is as it is on average."""
    plain: ClassVar[tuple[str, ...]] = ("seen_", "handicap_", "signatures_")

    def choose(self, job: Job, lesson: Lesson) -> None:
        """Choose on seen classes, once, what :meth:`learn` then takes for whatever it learns."""

    @abstractmethod
    def learn(self, job: Job, lesson: Lesson) -> Model:
        """Train, and return a model whose head is a :class:`LabelHead`, for any classes."""

    def explained(self, job: Job) -> list[Finding]:  # noqa: ARG002  a method may look at the rows
        """Say for the report what leads to the answers, once the model is there."""
        return []

    # --- fitting ---------------------------------------------------------------------------------

    @final
    def task_for(self, target: Domain, source: Domain | None, given: Given | None) -> Task:
        seen = self._seen(source, given)
        self.seen_: list[Any] = seen.classes_.tolist()
        own, asked = (
            None if domain is None or domain.classes is None else self._encoded(domain.classes)
            for domain in (source, target)
        )
        asked = own if asked is None else asked
        if asked is None:
            raise DataError(
                f"{type(self).__name__} must know descriptions of the classes, Domain(..., "
                "classes=...); got none"
            )
        known = (asked if own is None else own.joined(asked)).subset(self.seen_)
        names = candidate_classes(asked, self.seen_, generalized=self.generalized)
        asked = asked.joined(known).subset(names)
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
        self.choose(job, lesson)
        spreads = self._calibrated(job, lesson) if self.generalized else 0.0
        self.model_ = self.learn(job, lesson).cpu().eval()
        self.handicap_ = spreads * _spread(self.model_, lesson) if spreads else 0.0
        self._stand_for(self.model_, self._asked_for.subset(self.classes_.tolist()))
        del self._known, self._asked_for
        self._indexed = self._index(lesson) if self._is_indexed else None
        self.findings_ = self.explained(job)
        return self.model_

    def _seen(self, source: Domain | None, given: Given | None) -> Classification:
        """Return the task of the source: the classes that have examples."""
        if given is not None:
            if not self.of_models:
                raise ParameterError(
                    f"source of {type(self).__name__} must be data, Domain(X, y); got a trained "
                    "model"
                )
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

    def _encoded(self, descriptions: Descriptions) -> Descriptions:
        return encode_descriptions(descriptions, self.encoder)

    def _lesson(self, job: Job) -> Lesson:
        """Return the labelled rows of the source with the signatures of their classes."""
        signatures = self._signatures_of(self._known)
        if job.source is not None:
            return Lesson(job.source.known(), signatures)
        no_rows = job.target.at(np.array([], dtype=np.intp))  # a trained model, without data
        return Lesson(no_rows, signatures)

    def _calibrated(self, job: Job, lesson: Lesson) -> float:
        """Choose the handicap of seen classes, on seen classes alone, in spreads of the scores.

        Some are held out and stand for unseen ones; of the others some rows are kept. Models of
        other classes have scores of other sizes, so all are measured by their own spread.
        """
        if job.source is None:
            raise ParameterError(
                "generalized must have the source's data to weigh seen against unseen classes; got "
                "a trained model"
            )
        found: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        for rest, held in lesson.practices(self.random_state):
            learnt, kept = rest.apart(self.random_state)
            model = self.learn(job, learnt).cpu().eval()
            spread = _spread(model, learnt)
            _head(model).stand_for(torch.cat([rest.signatures, held.signatures]))
            c = len(rest.signatures)
            seen, unseen = (in_blocks(model, data.rows) / spread for data in (kept, held.data))
            found.append(
                (
                    _margins(seen, kept.y.numpy(), c),
                    _margins(unseen, held.data.y.numpy() + c, c),
                )
            )
        if not found:
            raise DataError(
                "at least four classes must have examples to weigh seen against unseen ones "
                f"(generalized); got {len(lesson.signatures)}"
            )
        return _handicap(found)

    # --- classes that come into question ---------------------------------------------------------

    def _signatures_of(self, descriptions: Descriptions) -> Tensor:
        signatures, encoded = Signatures.restore(self.signatures_), self._encoded(descriptions)
        made = signatures.transform(encoded) if self.holes else signatures.filled(encoded)
        return torch.from_numpy(np.array(made))

    def _stand_for(self, model: Model, descriptions: Descriptions) -> None:
        seen = set(self.seen_)
        handicap = [self.handicap_ * (name in seen) for name in descriptions.names.tolist()]
        _head(model).stand_for(self._signatures_of(descriptions), torch.tensor(handicap))

    @final
    def outputs_among(self, X: Any, among: Any) -> tuple[NDArray[Any], NDArray[np.float32]]:
        if not isinstance(among, (Mapping, Descriptions, pd.DataFrame)):
            return super().outputs_among(X, among)
        self.check_fitted()
        described = Descriptions.of(among)
        model = self._copy()
        self._stand_for(model, described)
        return described.names, in_blocks(model, self._asked(X))

    @final
    def topk(self, X: Any, k: int, among: Any = None) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Rank classes; very many are looked up in an index (extra ``labels``)."""
        if among is not None or not self._is_indexed:
            return super().topk(X, k, among)
        if self._indexed is None:  # very many only since classes were added
            self._indexed = self._index()
        queries = in_blocks(Placed(self.model_), self._asked(X))
        scores, places = self._indexed.search(queries, k)
        return self.classes_[places], scores

    @property
    def _is_indexed(self) -> bool:
        return self.index != "auto" or len(self.classes_) >= VERY_MANY

    def _index(self, lesson: Lesson | None = None) -> Indexed:
        """Index the classes as they are; rows say how thoroughly it must be searched."""
        head = _head(self.model_)
        made = Indexed.build(self.index, head.labels.numpy(), head.bias.numpy())
        if lesson is not None and lesson.data.rows.n:
            rows = lesson.data.rows
            few = rows.subset(evenly(rows.n, ASKED))
            made.index.calibrate(in_blocks(Placed(self.model_), few))
        return made

    @final
    def write_beside(self, folder: Path) -> None:
        if self._indexed is not None:
            self._indexed.save(folder / INDEX)

    @final
    def read_beside(self, folder: Path) -> None:
        there = (folder / INDEX).exists()
        self._indexed = Indexed.load(folder / INDEX, len(self.classes_)) if there else None

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
        added = self._copy()
        self._stand_for(added, new)
        names = np.concatenate([self.classes_, new.names])
        order = torch.from_numpy(np.argsort(names, kind="stable"))
        old, more = _head(self.model_), _head(added)
        if self._indexed is not None:
            self._indexed.add(more.labels.numpy(), more.bias.numpy(), order.numpy())
        old.labels = torch.cat([old.labels, more.labels])[order]
        old.bias = torch.cat([old.bias, more.bias])[order]
        self._classification().classes_ = np.sort(names)
        return self

    def _copy(self) -> Model:
        """Return the model with a head of its own, to stand for other classes."""
        return Model(self.model_.body, copy.deepcopy(self.model_.head)).eval()

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
    def score_generalized(self, X: Any, y: Any) -> GeneralizedScore:
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
        outputs = self.outputs(X)
        rows = Domain(np.zeros((len(outputs), 1)), y)
        true, guess = (
            self._classification().codes(rows.known),
            outputs[rows.labelled].argmax(axis=1),
        )
        if (true < 0).any():
            strange = np.unique(rows.known[true < 0]).tolist()[0]
            raise DataError(f"rows must be of classes that come into question; got {strange!r}")
        seen = set(self.seen_)
        rates: dict[bool, list[float]] = {True: [], False: []}
        for code in np.unique(true).tolist():
            known = self.classes_[code].item() in seen
            rates[known].append(float((guess[true == code] == code).mean()))
        if not rates[True] or not rates[False]:
            kind = "unseen" if rates[False] else "seen"
            raise DataError(
                f"rows of both seen and unseen classes must be there; got {kind} ones only"
            )
        return GeneralizedScore.of(float(np.mean(rates[True])), float(np.mean(rates[False])))


def _head(model: Model) -> LabelHead:
    if not isinstance(model.head, LabelHead):
        raise TypeError(f"a zero-shot model must end in a LabelHead; got {type(model.head)}")
    return model.head


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


def _spread(model: Model, lesson: Lesson) -> float:
    """Return by how much the scores of a row differ between the lesson's classes, above 0."""
    _head(model).stand_for(lesson.signatures)
    some = lesson.data.at(evenly(len(lesson.data.y), LOOKED_AT))
    spread = float(in_blocks(model, some.rows).astype(np.float64).std(axis=1).mean())
    return spread if spread > 0 else 1.0


def _handicap(practices: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> float:
    """Return a handicap with a large harmonic mean of both accuracies, averaged over practices.

    Parameters
    ----------
    practices
        Margins of rows of seen classes and of classes that stood for unseen ones.

    Returns
    -------
    float
        The middle of those that are about as good as the best: few classes decide little.
    """
    ends = np.concatenate(
        [part for seen, unseen in practices for part in (seen[:, 2], unseen[:, 1])]
    )
    ends = np.unique(ends[np.isfinite(ends)])
    if not len(ends):
        return 0.0
    tried = np.concatenate([[ends[0] - 1], (ends[1:] + ends[:-1]) / 2, [ends[-1] + 1]])
    tried = np.unique(np.quantile(tried, np.linspace(0, 1, min(len(tried), 500))))
    rated = np.mean([_harmonic(*practice, tried) for practice in practices], axis=0)
    return float(tried[rated >= rated.max() - GOOD].mean())


def _harmonic(
    seen: NDArray[np.float64], unseen: NDArray[np.float64], tried: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the harmonic mean of a practice's accuracies at each handicap."""
    return np.array(
        [GeneralizedScore.of(_rate(seen, at), _rate(unseen, at)).harmonic for at in tried.tolist()]
    )


def _rate(margins: NDArray[np.float64], at: float) -> float:
    """Return the accuracy at a handicap, averaged over classes."""
    right = (margins[:, 1] <= at) & (at <= margins[:, 2])
    return float(np.mean([right[margins[:, 0] == c].mean() for c in np.unique(margins[:, 0])]))
