"""How any method of the tree is given something to learn: what the contract suite stands on.

Nothing is listed by hand: methods are found as :func:`fourfold.methods.table` finds them, and what
each is given follows from its ``needs``.
"""

from __future__ import annotations

from dataclasses import fields
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import annotated_types as at
import numpy as np
import pytest
from torch import nn

from fourfold.data.domain import Domain
from fourfold.estimators.bases.aligned import AlignsDomains
from fourfold.estimators.joint import JointEstimator
from fourfold.estimators.transfer import TransferEstimator
from fourfold.methods import table
from fourfold.methods.clustering._clusters import Clusters
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

METHODS = [entry.load() for entry in table().values()]
TRANSFER = [method for method in METHODS if issubclass(method, TransferEstimator)]
JOINT = [method for method in METHODS if issubclass(method, JointEstimator)]


def names(methods: list[type[Any]]) -> list[str]:
    return [method.__name__ for method in methods]


def clusters(method: type[Any]) -> bool:
    """Tell whether a method finds clusters, which is random without a recipe, and has one task."""
    return issubclass(method, Clusters)


class Piles(NamedTuple):
    """A source and a target, the target a little beside it."""

    source: Domain
    X: Any
    y: Any


def blobs(rows: int = 45, features: int = 4, seed: int = 0) -> Piles:
    """Draw three classes of vectors."""
    rng = np.random.default_rng(seed)
    y = np.arange(2 * rows) % 3
    X = rng.normal(size=(2 * rows, features)) + 2 * np.eye(3, features)[y]
    return Piles(Domain(X[:rows], y[:rows]), X[rows:] + 0.2, y[rows:])


def pictures(rows: int = 40) -> Piles:
    """Draw two classes of small pictures (H, W, C) of bytes: bright above, or bright below."""
    rng = np.random.default_rng(1)
    y = np.arange(2 * rows) % 2
    X = rng.integers(0, 128, (2 * rows, 9, 10, 3), np.uint8)
    X[y == 0, :4] += 100
    X[y == 1, 5:] += 100
    return Piles(Domain(X[:rows], y[:rows]), X[rows:], y[rows:])


def has(method: type[Any], name: str, **beside: Any) -> bool:
    """Tell whether a method has a hyper-parameter, which does something beside these values."""
    return name in {field.name for field in fields(method)} and name not in method(**beside).idle()


def each_of(methods: list[type[Any]]) -> pytest.MarkDecorator:
    """Ask a test of each of some methods, which skips none: a skip is what an environment lacks."""
    return pytest.mark.parametrize("method", methods, ids=names(methods))


each_method = each_of(TRANSFER)
LABELLED = [m for m in TRANSFER if m.needs.source_labels or m.needs.target_labels]
each_method_of_labels = each_of(LABELLED)
each_method_of_a_task = each_of([m for m in LABELLED if has(m, "task")])
each_method_of_a_module = each_of(
    [m for m in TRANSFER if has(m, "network") and m.takes("network", nn.Tanh())]
)
each_method_of_a_source = each_of([m for m in TRANSFER if m.needs.source])
each_method_of_steps = each_of([m for m in TRANSFER if has(m, "recipe")])
"""Those that are trained by a recipe, though some only in closed form."""


SMALL = {
    "n_init": 2, "restarts": 2, "n_feature_clusters": 8, "n_estimators": 10, "n_splits": 1,
    "rounds": 2,
}  # fmt: skip
"""Values of hyper-parameters that make a fit quick."""
WITH_LINES = tuple(
    entry.load()
    for entry in table().values()
    if entry.cell == "selftaught" or entry.name == "LinearProbe"
)
"""Methods whose head is that of Linear: there its penalty is chosen, here it is given.

So it is for those that align domains, whose line is that of Pooled.
"""


def short(
    method: type[Any], *, learning_rate: float = 0.01, min_steps: int = 5, **parameters: Any
) -> Any:
    """Make a method that is trained for a moment."""
    recipe = Recipe(epochs=2, min_steps=min_steps, learning_rate=learning_rate)
    quick = {"recipe": recipe, **SMALL}
    if issubclass(method, (*WITH_LINES, AlignsDomains)):
        quick["alpha"] = 1.0
    return method(
        **{name: v for name, v in quick.items() if has(method, name, **parameters)} | parameters
    )


def described(source: Domain) -> Domain:
    """Describe each class by a vector; labels that are no classes stay without."""
    if source.measured or source.y is None or source.y.ndim > 1:
        return source
    vectors = np.random.default_rng(0).normal(size=(len(source.counts), 5))
    return source.described(dict(zip(source.counts, vectors, strict=True)))


def given(method: type[Any], source: Domain) -> dict[str, Domain]:
    """Return what ``fit`` needs besides the target."""
    if not method.needs.source:
        return {}
    if method.needs.described:
        return {"source": described(source)}
    return {"source": source if method.needs.source_labels else source.unlabelled()}


def fitted(method: type[Any], piles: Piles, **parameters: Any) -> Any:
    """Fit a method for a moment, on the target with its labels."""
    return short(method, **parameters).fit(piles.X, piles.y, **given(method, piles.source))


def same_bits(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def sourced(method: type[Any]) -> type[Any]:
    """Return a method that brings its own source: for scikit-learn's checks, which know none."""
    if not method.needs.source:
        return method

    def fit(self: Any, X: Any, y: Any = None) -> Any:
        return method.fit(self, X, y, **given(method, Domain(X, y)))

    kind = type(method.__name__, (method,), {"fit": fit, "__module__": __name__})
    globals()[method.__name__] = kind  # where pickle looks for it
    return kind


class Bad(NamedTuple):
    """A value that a hyper-parameter must refuse, and what the message says."""

    field: str
    value: Any
    bound: str


def bad_values(parameters: type[Any]) -> Iterator[Bad]:
    """Find, from the annotations alone, a value beyond each bound of each number."""
    known = {field.name for field in fields(parameters)}
    for name, hint in get_type_hints(parameters, include_extras=True).items():
        options = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
        for kind in options:
            if name in known and get_origin(kind) is Annotated:
                yield from (Bad(name, value, said) for value, said in _beyond(kind))


def _beyond(kind: Any) -> Iterator[tuple[Any, str]]:
    base, *bounds = get_args(kind)
    limits = [part for one in bounds for part in (one if isinstance(one, at.Interval) else [one])]
    for limit in limits:
        if isinstance(limit, at.Ge):
            yield limit.ge - 1, f"[{limit.ge}, "
        elif isinstance(limit, at.Gt):
            yield base(limit.gt), f"({limit.gt}, "
        elif isinstance(limit, at.Le):
            yield limit.le + 1, f", {limit.le}]"
        elif isinstance(limit, at.Lt):
            yield base(limit.lt), f", {limit.lt})"
    yield [], "got []"
    if base is float:
        yield float("nan"), "got nan"
        yield float("inf"), "got inf"
