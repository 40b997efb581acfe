"""Capability of methods that fit a model to rows of a source which are moved to a target's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, final

import numpy as np
import torch
from torch import nn

from fourfold.algorithms.alignment import common_axes, standards
from fourfold.algorithms.linear import Affine
from fourfold.algorithms.samples import canonical_order
from fourfold.core.parameters import Positive  # noqa: TC001  read from the annotations
from fourfold.data.rows import SparseRows
from fourfold.errors import DataError
from fourfold.estimators.bases.base import Line, Trees
from fourfold.estimators.bases.features import Features, goal_of
from fourfold.estimators.bases.heads import OnnxHead, head_of
from fourfold.estimators.bases.kernel import KernelHead
from fourfold.estimators.bases.source import source_in_units
from fourfold.estimators.network import SolvesHead
from fourfold.estimators.problem import Fitted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.algorithms.samples import Sample
    from fourfold.core.tasks import Task
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.problem import Problem

    Floats = NDArray[np.float64]

__all__ = ["Aligned", "AlignsDomains", "Apart", "FitsApart", "Kind", "most_rows"]

Kind: TypeAlias = Literal["linear", "kernel", "boosting"]
"""Logistic or ridge regression; a support vector machine; or trees boosted by LightGBM."""

KNOWN: Final = np.float32(5)
"""Weight of a target row whose label is known, beside one of the source."""
MOST_ROWS: Final = 2000
"""Rows of a domain of which a kernel machine is made."""
SMOOTH: Final = (1.0, 3.0, 10.0)
"""Penalties of a kernel machine that are tried: a rougher one fits where the source's rows lie."""


@final
class Aligned(NamedTuple):
    """Rows of the source (n, e), moved, and the matrix (d, e) for the target's; None keeps them."""

    source: Floats
    target: Floats | None = None


@final
class Apart(NamedTuple):
    """A problem whose domains are standardized each by itself.

    Attributes
    ----------
    source
        Labelled rows (n, d) of the source, standardized.
    target
        All rows (m, d) of the target, standardized.
    known
        Those of the target that have labels.
    standard
        Map of the target's features to its standardized ones.
    """

    problem: Problem
    kind: Kind
    features: Features
    source: Sample
    target: NDArray[np.float32]
    known: Sample
    standard: Affine

    @classmethod
    def of(cls, problem: Problem, kind: Kind) -> Apart:
        """Standardize the domains of a problem, wide rows on common main axes."""
        source, target = problem.source_data.known(), problem.target
        if min(source.rows.n, target.rows.n) < 2:
            raise DataError(
                "each domain must have two rows or more, to be standardized by itself; got 1 sample"
            )
        features = Features.of(problem)
        x, own = _matrix(features, source), _matrix(features, target)
        axes = common_axes(x, own)
        narrow = Affine.linear(np.eye(features.width) if axes is None else axes)
        x, own = narrow.apply(x), narrow.apply(own)
        standard = standards(own, each=axes is None)
        theirs = standards(x, each=axes is None).apply(x).astype(np.float32)
        rows = standard.apply(own).astype(np.float32)
        return cls(
            problem,
            kind,
            features,
            source_in_units(problem, source.sample(theirs)).drawn(most_rows(kind)),
            rows[canonical_order(rows, *np.zeros((2, len(rows)), np.float32))],
            target.known().sample(rows[target.labelled]),
            narrow.then(standard),
        )

    def rows(self, source: NDArray[Any], turn: Floats | None = None) -> Sample:
        """Return the source's rows as they are moved, and the target's known ones, turned."""
        rows = self.source._replace(x=source.astype(np.float32))
        if not len(self.known.y):
            return rows
        own = self.known.x if turn is None else self.known.x @ turn
        known = self.known._replace(x=own.astype(np.float32), weight=KNOWN * self.known.weight)
        return rows.joined(known)

    def head(self, alpha: float | None, rows: Sample) -> nn.Module:
        """Fit a model to rows; return it as a module of their features."""
        task, width = self.problem.task, rows.x.shape[1]
        if self.kind == "kernel":
            head = KernelHead(task.n_outputs, width)
            head.fit(task, rows, alpha=SMOOTH if alpha is None else alpha)
            return head
        features, goal = self.features._replace(width=width), goal_of(task)
        trees = Trees(features, goal, self.problem.seed)
        base = trees if self.kind == "boosting" else Line(features, goal, alpha)
        return head_of(base.restore(base.learn(rows)).model)

    def fitted(self, head: nn.Module, turn: Floats | None = None) -> Fitted:
        """Return a model of standardized rows of the target, or of those turned, as a result."""
        whole = self.standard if turn is None else self.standard.then(Affine.linear(turn))
        first = nn.Linear(*whole.weight.shape)
        weight, bias = (torch.tensor(part).float() for part in (whole.weight.T, whole.bias))
        first.load_state_dict({"weight": weight, "bias": bias})
        model = self.features.model(nn.Sequential(first, head))
        return Fitted(model, state={"head_": [self.kind, first.out_features]})


class FitsApart(SolvesHead, ABC):
    """A method that fits a model to domains that are standardized each by itself.

    Each domain is standardized by its own means and spreads first; more than 200 features are
    reduced to 100 common axes, which keep their proportions. Labels that the target has take part.
    No network is trained.

    Parameters
    ----------
    base
        The model: ``"linear"``, logistic or ridge regression; ``"kernel"``, a least-squares support
        vector machine on at most 2,000 rows; or ``"boosting"``, trees boosted by LightGBM.
    alpha
        L2 penalty of a line or of a kernel machine; None chooses by cross-validation on the source.
    """

    base: Kind = "linear"
    alpha: Positive | None = None

    def idle(self) -> dict[str, str]:
        return {"alpha": 'base is "boosting"'} if self.base == "boosting" else {}

    @final
    def restore_head(self, task: Task, width: int, state: Mapping[str, Any]) -> nn.Module:
        kind, narrow = state["head_"]
        heads = {
            "linear": nn.Linear(narrow, task.n_outputs),
            "kernel": KernelHead(task.n_outputs, narrow),
            "boosting": OnnxHead(),
        }
        return nn.Sequential(nn.Linear(width, narrow), heads[kind])


class AlignsDomains(FitsApart, ABC):
    """A method that fits a model to the source's rows, moved to the target's."""

    @abstractmethod
    def _align(self, apart: Apart) -> Aligned:
        """Move the source's rows to the target's."""

    @final
    def _learn(self, problem: Problem) -> Fitted:
        apart = Apart.of(problem, self.base)
        source, turn = self._align(apart)
        head = apart.head(self.alpha, apart.rows(source, turn))
        return apart.fitted(head, turn)


def most_rows(kind: Kind) -> int | None:
    """Return the most rows of a domain to learn from: a kernel machine takes their number cubed."""
    return MOST_ROWS if kind == "kernel" else None


def _matrix(features: Features, data: Data) -> Any:
    """Return the features of rows, (n, d), sparse where they are."""
    rows = data.rows
    return rows.matrix if isinstance(rows, SparseRows) else features.values(data)
