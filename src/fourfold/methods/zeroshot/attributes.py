"""Attribute prediction (DAP): say what a row has, then look up the class that has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple, final

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.metrics import balanced_accuracy_score
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.zeroshot.attribute_posterior import Posterior, Prior
from fourfold.algorithms.zeroshot.forest import Forest, Size
from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.core.findings import Bars
from fourfold.core.parameters import Fraction, PositiveInt
from fourfold.data.rows import evenly
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.contracts import Needs
from fourfold.estimators.problem import Model
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._described import DescribedEstimator, LabelHead, Placed
from fourfold.networks.mlp import Mlp
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.zeroshot.signatures import AttributeEncoder
    from fourfold.core.findings import Finding
    from fourfold.data.rows import Rows
    from fourfold.estimators.problem import Job
    from fourfold.methods.zeroshot._described import Lesson
    from fourfold.networks.builder import Body
    from fourfold.training.batches import Batch

    Array = NDArray[np.float64]

__all__ = ["AttributePrediction"]

TRUSTS: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)
UNTESTED: Final = 0.5
"""The trust where there are too few classes to hold any out."""
EXPLAINED: Final = 3
"""Rows that are explained for the report."""
LOOKED_AT: Final = 2000
"""Rows of the target among which these are found."""


@final
class AttributePrediction(DescribedEstimator):
    """Predict the attributes of a row, then look up the class that has them (DAP).

    The class z with the largest Π p(a_m|x) / p(a_m) over its attributes a_m; p(a_m) is how often
    seen classes have it. An attribute that is not known of a class counts for 1 there: for what a
    row says on average. Numbers have normal distributions about what is predicted.

    Predictions that are right for seen classes are too sure of themselves for others, so they are
    mixed with p(a_m), as far as recognizes seen classes best that are held out.

    Parameters
    ----------
    predictor
        ``"forest"``: extremely randomized trees on prepared inputs or frozen features;
        ``"network"``: a network that is trained, and a linear layer on it.
    trees, leaf
        Of the forest: how many; how many rows there are in a leaf at least.
    split
        Share of the features that a split of the forest chooses among.
    trust
        How far predictions are trusted for classes without examples: t p(a|x) + (1 − t) p(a).
        None: found on seen classes that are held out.

    Attributes
    ----------
    trust_
        What was taken.

    References
    ----------
    Lampert, Nickisch & Harmeling, Learning to Detect Unseen Object Classes by Between-Class
    Attribute Transfer, CVPR 2009. Geurts, Ernst & Wehenkel, Extremely Randomized Trees, Machine
    Learning 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fourfold import Domain
    >>> X, y = load_digits(return_X_y=True)
    >>> pictures = np.hstack([X[:898], X[898:1796]])  # two digits side by side
    >>> names = np.array([f"{a}{b}" for a, b in zip(y[:898], y[898:1796])])
    >>> classes = {name: {"left": name[0], "right": name[1]} for name in names}
    >>> new = y[:898] == y[898:1796]  # 00, 11, ... have no examples
    >>> source = Domain(pictures[~new], names[~new], classes=classes)
    >>> target = Domain(pictures[new], classes={name: classes[name] for name in names[new]})
    >>> model = AttributePrediction(trees=20).fit(target, source=source)
    >>> len(model.classes_), model.score(pictures[new], names[new]) > 0.9
    (10, True)
    """

    predictor: Literal["forest", "network"] = "forest"
    trees: PositiveInt = 100
    leaf: PositiveInt = 5
    split: Fraction = 0.33
    trust: Fraction | None = None

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, classes=True, described=True
    )
    default_recipe: ClassVar[Recipe] = Recipe(epochs=20)
    holes: ClassVar[bool] = True
    plain: ClassVar[tuple[str, ...]] = (*DescribedEstimator.plain, "trust_", "size_")

    def head_for(self, width: int, classes: int) -> _Posterior:
        return _Posterior(self._predictor(width), self._groups, classes)

    def choose(self, job: Job, lesson: Lesson) -> None:
        if self.predictor == "forest":
            self.builder_ = Mlp(hidden_layer_sizes=())  # nothing but the inputs, flattened
        self._tested = [
            _told(*self._trained(job, rest), held)
            for rest, held in lesson.practices(self.random_state, lesson.times)
        ]
        posterior = Posterior(self._groups)
        prior = Prior.of(lesson.signatures.numpy(), self._groups)
        self.trust_ = _trusted(posterior, prior, self._tested) if self.trust is None else self.trust

    def learn(self, job: Job, lesson: Lesson) -> Model:
        body, predictor = self._trained(job, lesson)
        head = _Posterior(predictor, self._groups, 1)
        prior = Prior.of(lesson.signatures.numpy(), self._groups)
        known = _Told.joined(self._tested or [_told(body, predictor, lesson)])
        head.posterior.calibrate(prior, self.trust_, known.said, known.true, known.weight)
        return Model(body, head)

    def explain(self, X: Any, *, against: Any = None) -> Explanation:
        """Say which predicted attributes led to the answer for a row.

        Parameters
        ----------
        X
            One row, (1, ...) as in fit.
        against
            The class to compare the answer to; None: the runner-up.

        Returns
        -------
        Explanation
            Its reasons add up to by how much the answer leads.

        Raises
        ------
        DataError
            If there is not one row.
        ParameterError
            If ``against`` is no class that comes into question, or the answer itself.
        """
        self.check_fitted()
        rows = self._asked(X)
        if rows.n != 1:
            raise DataError(f"there must be one row to explain; got {rows.n}")
        return self._explanations(rows, against)[0]

    def explained(self, job: Job) -> list[Finding]:
        del self._tested
        rows = job.target.rows
        rows = rows.subset(evenly(rows.n, LOOKED_AT))
        outputs = in_blocks(self.model_, rows)
        guess, ranked = outputs.argmax(axis=1), np.sort(outputs, axis=1)
        lead = ranked[:, -1] - ranked[:, -2]
        often = np.argsort(-np.bincount(guess), kind="stable")[:EXPLAINED]
        each = [np.flatnonzero(guess == c) for c in often]
        middle = [own[np.argsort(lead[own])[len(own) // 2]] for own in each if len(own)]
        some = self._explanations(rows.subset(np.array(middle, np.intp)))
        return [explanation.drawn() for explanation in some]

    # --- predicting attributes -------------------------------------------------------------------

    @property
    def _groups(self) -> tuple[AttributeEncoder, ...]:
        return Signatures.restore(self.signatures_).encoders

    def _predictor(self, width: int) -> nn.Module:
        """Build what gives the expected signature, (B, m), of features (B, width)."""
        if self.predictor == "forest":
            return Forest(Size(*self.size_))
        return _Answers(width, self._groups)

    def _trained(self, job: Job, lesson: Lesson) -> tuple[Body, nn.Module]:
        """Train a predictor on features (B, d) that a body gives."""
        body = job.body()
        if self.predictor == "forest":
            forest = self._grown(in_blocks(body, lesson.data.rows), lesson)
            self.size_ = list(forest.size)
            return body, forest
        answers = _Answers(body.width, self._groups)
        model = Model(body, answers)

        def loss(_t: float, batch: Batch) -> Tensor:
            return answers.loss(body(batch.x), batch.z)

        table = lesson.data.table(lesson.signatures[lesson.data.y])
        self.history_ = minimize(model, Phase(loss, model), table, recipe=job.recipe)
        model.cpu().eval()
        return body, answers

    def _grown(self, X: NDArray[np.float32], lesson: Lesson) -> Forest:
        """Grow a forest that gives each row the signature of its class, all classes alike."""
        codes, known = lesson.data.y.numpy(), lesson.signatures.numpy()
        prior = Prior.of(known, self._groups).mean
        grown = ExtraTreesRegressor(
            self.trees,
            min_samples_leaf=self.leaf,
            max_features=self.split or 1,
            random_state=self.random_state,
        )
        weight = _balance(codes)
        grown.fit(X, np.where(np.isnan(known), prior, known)[codes], sample_weight=weight)
        forest = Forest.from_sklearn(grown)
        if np.isnan(known).any():  # leaves say what the rows have that have it
            forest.set_leaves(grown.apply(X), known[codes], weight, prior)
        return forest

    # --- explaining ------------------------------------------------------------------------------

    @property
    def _head(self) -> _Posterior:
        if not isinstance(self.model_.head, _Posterior):
            raise TypeError(f"attributes must be predicted; got {type(self.model_.head)}")
        return self.model_.head

    def _explanations(self, rows: Rows, against: Any = None) -> list[Explanation]:
        body, head = self.model_.body, self._head
        scores = in_blocks(self.model_, rows)
        facets = in_blocks(Placed(self.model_), rows).astype(np.float64)
        said = in_blocks(nn.Sequential(body, _Mixed(head)), rows).astype(np.float64)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :2]
        if against is not None:
            best[:, 1] = self._classification().codes(np.array([against]))
            if best[0, 1] in {-1, best[0, 0]}:
                raise ParameterError(
                    "against must be another class than the answer, one that comes into question; "
                    f"got {against!r}"
                )
        return [self._explanation(*row) for row in zip(facets, said, best, strict=True)]

    def _explanation(self, facets: Array, said: Array, best: NDArray[np.intp]) -> Explanation:
        head = self._head
        labels, bias = head.labels[best], head.bias[best].double().numpy()
        own, other = labels.double().numpy()
        parts = facets * (own - other)  # (F,) in the score's own units
        classes = head.posterior.signatures_of(labels)
        reasons = []
        for i, (group, on) in enumerate(head.posterior.columns):
            weight = float(parts[head.posterior.attribute_of == i].sum())
            first, second = group.decode(classes[:, on])
            reasons.append(Reason(group.name, _believed(group, said[on]), first, second, weight))
        names = self.classes_[best].tolist()
        if self.handicap_ and bias[0] != bias[1]:
            first, second = ("seen" if name in self.seen_ else "new" for name in names)
            reasons.append(Reason("class", "", first, second, float(bias[0] - bias[1])))
        return Explanation(names[0], names[1], reasons)


@final
@dataclass(frozen=True)
class Reason:
    """What one attribute says for one class and against another.

    Attributes
    ----------
    attribute
        Its name.
    predicted
        What the row is believed to have, in words, with the probability.
    winner, other
        What the two classes have; "?": not known.
    weight
        By how much it favours the winner, in nats; below 0, the other.
    """

    attribute: str
    predicted: str
    winner: str
    other: str
    weight: float


@final
@dataclass(frozen=True)
class Explanation:
    """Why a row was given one class rather than another.

    Attributes
    ----------
    winner, other
        The classes.
    reasons
        One an attribute; their weights add up to the margin.
    """

    winner: Any
    other: Any
    reasons: list[Reason]

    @property
    def margin(self) -> float:
        """By how much the winner leads: the logarithm of the odds."""
        return sum(reason.weight for reason in self.reasons)

    def __str__(self) -> str:
        heads = ("", "predicted", str(self.winner), str(self.other), "weight")
        rows = [
            (r.attribute, r.predicted, r.winner, r.other, f"{r.weight:+.2f}") for r in self._sorted
        ]
        rows.append((f"{self.winner} rather than {self.other}", "", "", "", f"{self.margin:+.2f}"))
        wide = [max(len(row[i]) for row in [heads, *rows[:-1]]) for i in range(4)]
        lines = [
            "  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, wide, strict=False)), row[-1]])
            for row in [heads, *rows[:-1]]
        ]
        total, *_, margin = rows[-1]
        return "\n".join([*lines, f"{total:<{sum(wide) + 6}}  {margin}"])

    def drawn(self) -> Bars:
        """Return it as the report draws it."""
        return Bars(
            title=f"Why {self.winner} rather than {self.other}: one row",
            across=f"nats, above 0 for {self.winner}; below 0 for {self.other}",
            names=[
                f"{r.attribute}: {r.predicted}" if r.predicted else r.attribute
                for r in self._sorted
            ],
            values=[r.weight for r in self._sorted],
            notes=[f"{self.winner}: {r.winner}; {self.other}: {r.other}" for r in self._sorted],
        )

    @property
    def _sorted(self) -> list[Reason]:
        return sorted(self.reasons, key=lambda reason: -abs(reason.weight))


def _believed(group: AttributeEncoder, values: Array) -> str:
    """Write what a row is believed to have."""
    if group.kind == "continuous":
        return group.decode(values[None])[0]
    likely = max(values[0], 1 - values[0]) if group.kind == "binary" else values.max()
    return f"{group.decode(values[None])[0]} ({likely:.2f})"


def _balance(codes: NDArray[np.int64]) -> Array:
    """Return weights (n,) with which all classes count alike."""
    return 1.0 / np.bincount(codes)[codes]


class _Told(NamedTuple):
    """What is predicted of rows (n, m), their weights, and what their classes have."""

    said: Array
    weight: Array
    y: NDArray[np.int64]
    signatures: NDArray[np.float32]

    @property
    def true(self) -> Array:
        """What the rows have, (n, m)."""
        return self.signatures[self.y].astype(np.float64)

    @classmethod
    def joined(cls, parts: Sequence[_Told]) -> _Told:
        """Put several together."""
        starts = np.cumsum([0, *(len(part.signatures) for part in parts)])
        codes = [part.y + start for part, start in zip(parts, starts, strict=False)]
        said, weight, _, signatures = zip(*parts, strict=True)
        return cls(
            np.concatenate(said),
            np.concatenate(weight),
            np.concatenate(codes),
            np.concatenate(signatures),
        )


def _told(body: Body, predictor: nn.Module, lesson: Lesson) -> _Told:
    """Predict the attributes of a lesson's rows; all its classes weigh alike."""
    said = in_blocks(nn.Sequential(body, predictor), lesson.data.rows).astype(np.float64)
    y = lesson.data.y.numpy()
    return _Told(said, _balance(y), y, lesson.signatures.numpy())


def _trusted(posterior: Posterior, prior: Prior, tested: Sequence[_Told]) -> float:
    """Return the trust with which held-out classes are recognized best."""
    if not tested:
        return UNTESTED
    known = _Told.joined(tested)
    rates = np.zeros(len(TRUSTS))
    for i, trust in enumerate(TRUSTS):
        posterior.calibrate(prior, trust, known.said, known.true, known.weight)
        for part in tested:
            labels = posterior.embed_classes(torch.from_numpy(part.signatures)).double()
            scores = posterior(torch.from_numpy(part.said).float()).double() @ labels.T
            rates[i] += balanced_accuracy_score(part.y, scores.argmax(1).numpy())
    best = np.flatnonzero(rates == rates.max())
    return TRUSTS[best[len(best) // 2]]  # of equally good ones one in the middle


@final
class _Answers(nn.Module):
    """A linear layer on features (B, d): probabilities of values, and numbers, (B, m)."""

    binary: Tensor
    numbers: Tensor

    def __init__(self, width: int, groups: Sequence[AttributeEncoder]) -> None:
        super().__init__()
        parts = Posterior(groups).columns
        sorts = np.repeat([group.kind for group, _ in parts], [group.width for group, _ in parts])
        self.register_buffer("binary", torch.from_numpy(sorts == "binary"), persistent=False)
        self.register_buffer("numbers", torch.from_numpy(sorts == "continuous"), persistent=False)
        self.categories = [on for group, on in parts if group.kind == "categorical"]
        self.linear = nn.Linear(width, len(sorts))

    def forward(self, features: Tensor) -> Tensor:
        logits = self.linear(features)
        said = torch.where(self.binary, logits.sigmoid(), logits)
        for on in self.categories:
            among = logits[:, on].softmax(1)
            said = torch.cat([said[:, : on.start], among, said[:, on.stop :]], 1)
        return said

    def loss(self, features: Tensor, wanted: Tensor) -> Tensor:
        """Average over rows what attributes that are known cost, (B, m) with holes."""
        said = self.linear(features)
        there, true = ~wanted.isnan(), wanted.nan_to_num()
        truth = F.binary_cross_entropy_with_logits(said, true.clamp(0, 1), reduction="none")
        square = (said - true).square() / 2
        total: Tensor = ((truth * self.binary + square * self.numbers) * there).sum()
        for on in self.categories:
            cost = -(true[:, on] * said[:, on].log_softmax(1)).sum(1)
            total = total + (cost * there[:, on.start]).sum()
        return total / len(said)


@final
class _Posterior(LabelHead):
    """Σ log p(a|x) / p(a) over the attributes of a class."""

    def __init__(
        self, predictor: nn.Module, groups: Sequence[AttributeEncoder], classes: int
    ) -> None:
        posterior = Posterior(groups)
        super().__init__(classes, len(posterior.attribute_of))
        self.predictor = predictor
        self.posterior = posterior

    def place(self, features: Tensor) -> Tensor:
        facets: Tensor = self.posterior(self.predictor(features))
        return facets

    def label(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        return self.posterior.embed_classes(signatures), signatures.new_zeros(len(signatures))


@final
class _Mixed(nn.Module):
    """What is believed of each attribute, (B, m)."""

    def __init__(self, head: _Posterior) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        return self.head.posterior.shrunk(self.head.predictor(features))
