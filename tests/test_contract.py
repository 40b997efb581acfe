"""What every method of the tree must keep, whatever it does; nothing is listed by hand."""

from __future__ import annotations

import random
import subprocess
import sys
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, ShuffleSplit, cross_val_score
from torch import nn

from contract import (
    JOINT,
    METHODS,
    TRANSFER,
    Piles,
    bad_values,
    blobs,
    clusters,
    described,
    each_method,
    each_method_of_a_module,
    each_method_of_a_source,
    each_method_of_a_task,
    each_method_of_labels,
    each_method_of_steps,
    fitted,
    given,
    has,
    names,
    pictures,
    same_bits,
    short,
)
from fourfold.bundle import save
from fourfold.core.tasks import Classification, Regression
from fourfold.data.domain import Domain
from fourfold.data.rows import as_rows
from fourfold.errors import FourfoldError, ParameterError
from fourfold.estimators import supervised
from fourfold.frozen.store import Store, using
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.saved import load
from fourfold.preparation.choose import Standardize
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PILES = blobs()
PICTURES = pictures()


@cache
def once(method: type[Any], **parameters: Any) -> Any:
    """Return a model that is fitted once, for all tests that only ask it."""
    return fitted(method, PILES, **parameters)


@cache
def pictured(method: type[Any]) -> Any:
    """Return such a model of pictures."""
    return fitted(method, PICTURES)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember no source model of another test."""
    monkeypatch.setattr(supervised, "_kept", type(supervised._kept)())


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test fail where a training begins."""

    def begin(_loop: Any) -> None:
        raise AssertionError("a training began")

    monkeypatch.setattr("fourfold.training.loop._Loop.run", begin)


def refused(error: pytest.ExceptionInfo[FourfoldError], *words: str) -> None:
    """Check that an error is one clear sentence that says these things."""
    said = str(error.value)
    assert "\n" not in said
    assert len(said) < 400
    for word in words:
        assert word in said


# --- parameters ----------------------------------------------------------------------------------


@each_method
def test_construction_only_stores(method: type[Any]) -> None:
    nonsense = {name: object() for name in method().get_params(deep=False)}
    made = method(**nonsense)
    assert vars(made) == nonsense


@each_method
def test_clone_has_the_parameters_and_nothing_that_was_learnt(method: type[Any]) -> None:
    model = once(method, random_state=4)
    copy = clone(model)
    assert copy.get_params(deep=False).keys() == model.get_params(deep=False).keys()
    assert copy.random_state == 4
    assert set(vars(copy)) == set(model.get_params(deep=False))


@each_method_of_steps
def test_batches_of_one_row_give_numbers(method: type[Any]) -> None:
    """Statistics of a batch, such as a covariance, need more than one row, and may become NaN."""
    recipe = Recipe(epochs=1, min_steps=1, batch_size=1, learning_rate=0.001)
    assert np.isfinite(fitted(method, PILES, recipe=recipe).outputs(PILES.X)).all()


@each_method_of_steps
def test_set_params_reaches_the_recipe(method: type[Any]) -> None:
    model = method(recipe=Recipe(epochs=2))
    assert model.set_params(recipe__epochs=7, random_state=5) is model
    assert (model.recipe.epochs, model.random_state) == (7, 5)


@each_method_of_steps
def test_set_params_starts_from_the_methods_own_recipe(method: type[Any]) -> None:
    model = method().set_params(recipe__learning_rate=0.125)
    own = method.default_recipe.get_params()
    assert model.recipe.get_params() == {**own, "learning_rate": 0.125}
    assert method.default_recipe.get_params() == own


OUTSIDE = [(kind, bad) for kind in [*METHODS, Recipe] for bad in bad_values(kind)]


@pytest.mark.parametrize(
    ("kind", "bad"), OUTSIDE, ids=[f"{k.__name__}-{b.field}-{b.value}" for k, b in OUTSIDE]
)
@pytest.mark.usefixtures("no_training")
def test_a_number_out_of_its_bounds_is_refused(kind: type[Any], bad: Any) -> None:
    with pytest.raises(ParameterError) as error:
        kind(**{bad.field: bad.value}).check()
    refused(error, f"{bad.field} of {kind.__name__} must ", bad.bound)


@each_method
@pytest.mark.usefixtures("no_training")
def test_fit_checks_parameters_first(method: type[Any]) -> None:
    with pytest.raises(ParameterError) as error:
        fitted(method, PILES, random_state="zero")
    refused(error, "random_state", "got 'zero'")
    with pytest.raises(ParameterError) as error:
        fitted(method, PILES, random_state=PILES.X)
    refused(error, "random_state", "got array(")
    if has(method, "recipe"):
        with pytest.raises(ParameterError) as error:
            fitted(method, PILES, recipe=Recipe(epochs=0))
        refused(error, "epochs of Recipe must be a whole number in [1, inf); got 0")


# --- repeating -----------------------------------------------------------------------------------


@each_method
def test_refit_gives_the_same_bits(method: type[Any]) -> None:
    first = once(method).outputs(PILES.X)
    supervised._kept.clear()  # now the source model is trained anew
    model = fitted(method, PILES)
    assert same_bits(first, model.outputs(PILES.X))
    again = model.fit(PILES.X, PILES.y, **given(method, PILES.source))
    assert same_bits(first, again.outputs(PILES.X))


@each_method
def test_a_store_changes_no_bit(method: type[Any], tmp_path: Path) -> None:
    without = once(method).outputs(PILES.X)
    for _ in range(2):  # computed, then found
        with using(Store(tmp_path)):
            assert same_bits(without, fitted(method, PILES).outputs(PILES.X))


@each_method_of_steps
def test_the_random_state_matters_exactly_where_training_does(method: type[Any]) -> None:
    """What the learning rate changes was trained from a random start, so a seed changes it too."""
    base = once(method).outputs(PILES.X)
    slower = fitted(method, PILES, learning_rate=0.001).outputs(PILES.X)
    if same_bits(base, slower):
        pytest.skip("trained without steps: in closed form, grown, or searched for")
    assert not same_bits(base, once(method, random_state=1).outputs(PILES.X))


def test_most_methods_are_random() -> None:
    """The test above compares something."""
    moved = [
        method
        for method in TRANSFER
        if not same_bits(
            *(m.outputs(PILES.X) for m in (once(method), once(method, random_state=1)))
        )
    ]
    assert len(moved) > len(TRANSFER) / 2


# --- what stays as it was ------------------------------------------------------------------------


@each_method
def test_the_callers_random_state_is_left_alone(method: type[Any], tmp_path: Path) -> None:
    torch.manual_seed(11)
    np.random.seed(11)  # noqa: NPY002  the state that a caller may have set
    random.seed(11)
    torch_before, random_before = torch.get_rng_state(), random.getstate()
    numpy_before = np.random.get_state()  # noqa: NPY002  the same
    model = fitted(method, PILES)
    model.predict(PILES.X)
    load(save(model, tmp_path / "model")).predict(PILES.X)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert random.getstate() == random_before
    numpy_after = np.random.get_state()  # noqa: NPY002  the same
    assert all(np.array_equal(a, b) for a, b in zip(numpy_before, numpy_after, strict=True))


@each_method
def test_the_callers_random_state_changes_nothing(method: type[Any]) -> None:
    first = once(method).outputs(PILES.X)  # whatever it was then
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002  the state that a caller may have set
    random.seed(2)
    supervised._kept.clear()
    assert same_bits(first, fitted(method, PILES).outputs(PILES.X))


@each_method
def test_inputs_are_left_alone(method: type[Any]) -> None:
    model, piles = once(method), blobs()
    model.predict(PILES.X)
    model.score(PILES.X, PILES.y)
    used, fresh = (
        [each.X, each.y, each.source.rows.sample(10**6), each.source.y] for each in (PILES, piles)
    )
    assert all(same_bits(a, b) for a, b in zip(used, fresh, strict=True))
    for array in fresh:
        array.flags.writeable = False
    assert same_bits(fitted(method, piles).outputs(piles.X), model.outputs(PILES.X))


# --- predicting ----------------------------------------------------------------------------------


@each_method
def test_nothing_is_said_before_fit(method: type[Any], tmp_path: Path) -> None:
    for name in ("predict", "predict_proba", "outputs", "embed"):
        with pytest.raises(NotFittedError):
            getattr(method(), name, method().predict)(PILES.X)
    with pytest.raises(NotFittedError):
        method().score(PILES.X, PILES.y)
    with pytest.raises(NotFittedError):
        method().exportable()
    with pytest.raises(NotFittedError):
        save(method(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


WIDE = blobs(features=37)


@pytest.mark.parametrize("piles", [WIDE, PICTURES], ids=["vectors", "pictures"])
@each_method
def test_a_row_predicts_as_in_any_batch(method: type[Any], piles: Piles) -> None:
    model = pictured(method) if piles is PICTURES else fitted(method, piles)
    whole = model.outputs(piles.X)
    order = np.random.default_rng(0).permutation(len(piles.X))
    parts = [order[:1], order[1:3], order[3:36], order[36:]]
    for part in [*parts, order, np.repeat(order[:2], 20)]:
        assert same_bits(model.outputs(piles.X[part]), whole[part])


# --- saving --------------------------------------------------------------------------------------

ELSEWHERE = """
import sys
from pathlib import Path
import numpy as np
from fourfold.methods.saved import load

folder = Path(sys.argv[1])
X = np.load(folder / "rows.npy")
said = {}
for path in sorted(folder.glob("*/bundle.json")):
    model = load(path.parent)
    said[path.parent.name] = model.outputs(X) if "outputs" in dir(model) else model.predict(X)
np.savez(folder / "said.npz", **said)
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every method's saved model says in a process that never saw the training data."""
    folder = tmp_path_factory.mktemp("models")
    for method in TRANSFER:
        save(once(method), folder / method.__name__)
    np.save(folder / "rows.npy", PILES.X)
    subprocess.run([sys.executable, "-c", ELSEWHERE, folder], check=True)
    return dict(np.load(folder / "said.npz"))


@each_method
def test_a_saved_model_says_the_same_elsewhere(
    method: type[Any], elsewhere: dict[str, Any]
) -> None:
    assert same_bits(elsewhere[method.__name__], once(method).outputs(PILES.X))


@each_method
def test_a_loaded_model_is_the_model(method: type[Any], tmp_path: Path) -> None:
    model = once(method, random_state=4)
    loaded = load(save(model, tmp_path / "model"))
    assert type(loaded) is method
    assert repr(loaded) == repr(model)
    assert np.array_equal(loaded.predict(PILES.X), model.predict(PILES.X))
    assert loaded.score(PILES.X, PILES.y) == model.score(PILES.X, PILES.y)
    supervised._kept.clear()
    loaded.fit(PILES.X, PILES.y, **given(method, PILES.source))
    assert same_bits(loaded.outputs(PILES.X), model.outputs(PILES.X))


# --- bad input -----------------------------------------------------------------------------------


@each_method_of_a_source
@pytest.mark.usefixtures("no_training")
def test_a_missing_source_is_refused(method: type[Any]) -> None:
    with pytest.raises(ParameterError) as error:
        short(method).fit(PILES.X, PILES.y)
    refused(error, method.__name__, "got no source")
    with pytest.raises(ParameterError) as error:
        short(method).fit(PILES.X, PILES.y, source=PILES.X)
    refused(error, "Domain(X, y)", "got ndarray")


@each_method
@pytest.mark.usefixtures("no_training")
def test_missing_labels_are_refused_where_they_are_needed(method: type[Any]) -> None:
    source = PILES.source
    if method.needs.source_labels:
        with pytest.raises(FourfoldError) as error:
            short(method).fit(PILES.X, PILES.y, source=source.unlabelled())
        refused(error, "source", "must have labels")
    if method.needs.target_labels:
        for nothing in (None, np.full(len(PILES.X), np.nan)):
            with pytest.raises(FourfoldError) as error:
                short(method).fit(PILES.X, nothing, **given(method, source))
            refused(error, "target", "label")


each_infinity = pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])


def refused_if_not_finite(method: type[Any], value: float, **own: Any) -> None:
    X = PILES.X.copy()
    X[-1, -1] = value
    with pytest.raises(FourfoldError) as error:
        fitted(method, PILES._replace(X=X), **own)
    refused(error, "NaN" if np.isnan(value) else "infinity")
    if method.needs.source:
        with pytest.raises(FourfoldError) as error:
            fitted(method, PILES._replace(source=Domain(X, PILES.y)), **own)
        refused(error, "NaN" if np.isnan(value) else "infinity")


@each_infinity
@each_method
@pytest.mark.usefixtures("no_training")
def test_inputs_that_are_not_finite_are_refused(method: type[Any], value: float) -> None:
    refused_if_not_finite(method, value)


@each_infinity
@each_method_of_a_module
@pytest.mark.usefixtures("no_training")
def test_inputs_of_a_module_that_are_not_finite_are_refused(
    method: type[Any], value: float
) -> None:
    refused_if_not_finite(method, value, network=nn.Tanh())


@each_method
def test_what_is_predicted_must_be_like_what_was_fitted(method: type[Any]) -> None:
    model = once(method)
    X = PILES.X.copy()
    X[0, 0] = np.nan
    for strange in (X, X[:, :-1], X[0], X[:0], np.ones((2, 4, 4)), pd.DataFrame(X)):
        with pytest.raises(FourfoldError) as error:
            model.predict(strange)
        refused(error)


WRONG = {
    "no rows": (np.zeros((0, 4)), []),
    "flat": (np.ones(5), np.arange(5)),
    "no features": (np.ones((5, 0)), np.arange(5)),
    "names": ([["a", "b"]] * 4, [0, 1, 0, 1]),
    "complex": (np.ones((4, 2), complex), [0, 1, 0, 1]),
    "more labels": (np.ones((4, 4)), [0, 1, 0, 1, 0]),
    "ambiguous": (np.ones((4, 4)), [-1, 1, -1, 1]),
    "infinite labels": (np.ones((4, 4)), [0.5, np.inf, 1, 2]),
    "mixed labels": (np.ones((4, 4)), ["a", 1, "b", 2]),
}


@pytest.mark.parametrize("what", WRONG)
@each_method
@pytest.mark.usefixtures("no_training")
def test_wrong_targets_are_refused(method: type[Any], what: str) -> None:
    X, y = WRONG[what]
    with pytest.raises(FourfoldError) as error:
        short(method).fit(X, y, **given(method, PILES.source))
    refused(error)


@each_method_of_a_source
@pytest.mark.usefixtures("no_training")
def test_domains_that_do_not_go_together_are_refused(method: type[Any]) -> None:
    narrow = Domain(PILES.X[:, :3], PILES.y)
    for source in (narrow, Domain(pd.DataFrame(PILES.X), PILES.y)):
        with pytest.raises(FourfoldError) as error:
            short(method).fit(PILES.X, PILES.y, **given(method, source))
        refused(error)
    if method.needs.same_labels:
        with pytest.raises(FourfoldError) as error:
            short(method).fit(PILES.X, PILES.y + 1, source=PILES.source)
        refused(error, "must be among", "got also 3")


@each_method_of_labels
@pytest.mark.usefixtures("no_training")
def test_one_class_is_refused(method: type[Any]) -> None:
    one = np.zeros(len(PILES.X), int)
    with pytest.raises(FourfoldError) as error:
        fitted(method, PILES._replace(y=one, source=Domain(PILES.X, one)))
    refused(error, "two classes")


@pytest.mark.parametrize("kind", ["data", "model", "network"])
@each_method_of_a_source
def test_a_source_whose_inputs_do_not_fit_is_refused(
    method: type[Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = blobs(features=3).source
    source = {
        "data": lambda: narrow,
        "model": lambda: short(TargetOnly).fit(narrow),
        "network": lambda: nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 3)),
    }[kind]()
    monkeypatch.setattr("fourfold.training.loop._Loop.run", None)
    target = Domain(PILES.X, PILES.y)
    if method.needs.described:
        target = described(target)
    with pytest.raises(FourfoldError) as error:
        short(method).fit(target, source=source)
    takes_models = not method.needs.described or method.accepts_models
    refused(
        error,
        "expecting 3" if kind == "model" and takes_models else "(3,)" if kind == "data" else "got",
    )


# --- kinds of data -------------------------------------------------------------------------------


def frame(X: Any) -> pd.DataFrame:
    """Make a table with a category and holes of vectors."""
    table = pd.DataFrame(X, columns=[f"column {i}" for i in range(X.shape[1])])
    table["sign"] = np.where(X[:, 0] > 1, "above", "below")
    table.loc[::7, "column 1"] = np.nan
    return table


def as_memmap(X: Any, path: Path) -> np.memmap[Any, Any]:
    np.save(path, X)
    return np.load(path, mmap_mode="r")


@each_method
def test_tables(method: type[Any]) -> None:
    source = Domain(frame(PILES.source.rows.sample(1000)), PILES.source.y)
    model = fitted(method, Piles(source, frame(PILES.X), PILES.y))
    whole = model.outputs(frame(PILES.X))
    assert same_bits(model.outputs(frame(PILES.X)[3:4]), whole[3:4])
    assert set(model.predict(frame(PILES.X))) <= {0, 1, 2}


@each_method
def test_the_order_of_columns_and_sources_changes_no_bit(method: type[Any]) -> None:
    S, y = frame(PILES.source.rows.sample(1000)), PILES.source.y
    assert y is not None
    sources = [Domain(S[:20], y[:20]), Domain(S[20:], y[20:])]
    columns = S.columns[::-1]
    turned = [Domain(S[20:][columns], y[20:]), Domain(S[:20][columns], y[:20])]
    if method.sources_in_turn:  # the order of a chain is meant
        turned.reverse()
    found = []
    for each, X in ((sources, frame(PILES.X)), (turned, frame(PILES.X)[columns])):
        sources_given = [given(method, source).get("source", source) for source in each]
        needed = {"source": sources_given} if method.needs.source else {}
        found.append(short(method).fit(X, PILES.y, **needed).outputs(X))
    assert same_bits(*found)


BATCHES = Recipe(epochs=2, min_steps=5, learning_rate=0.01, batch_size=16)
"""Short, but with several batches an epoch, which another order of rows draws otherwise."""


@each_method
def test_the_order_of_rows_moves_no_more_than_a_seed_does(method: type[Any]) -> None:
    """What draws nothing stays as it is, to rounding."""
    rng, piles = np.random.default_rng(5), blobs(60)
    a, b = rng.permutation(60), rng.permutation(60)
    turned = Piles(piles.source.subset(a), piles.X[b], piles.y[b])
    own = {"recipe": BATCHES} if has(method, "recipe") else {}
    seeds = range(4 if clusters(method) else 2)  # clusters are one of a few optima

    def said(rows: Piles, seed: int) -> Any:
        outputs = fitted(method, rows, random_state=seed, **own).outputs(piles.X)
        if not clusters(method):
            return outputs / outputs.std()
        found = outputs.argmax(axis=1)
        return found[:, None] == found  # whatever number a cluster has

    one, other = ([said(rows, seed) for seed in seeds] for rows in (piles, turned))
    by_order = np.mean([apart(*pair) for pair in zip(one, other, strict=True)])
    by_seed = np.mean([apart(*pair) for each in (one, other) for pair in combinations(each, 2)])
    assert by_order <= max(1e-5, 2 * by_seed)


def apart(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the root mean square of the difference of two answers."""
    return float(np.sqrt(np.square(a.astype(float) - b).mean()))


@each_method
def test_sparse_rows_are_as_the_same_dense_ones(method: type[Any]) -> None:
    X = np.maximum(PILES.X, 0).astype(np.float32)
    S = np.maximum(PILES.source.rows.sample(1000), 0).astype(np.float32)
    X[:, 0] += 1  # no row is empty: such hold nothing to be clustered by
    S[:, 0] += 1
    sparse = Piles(
        Domain(scipy.sparse.csr_array(S), PILES.source.y), scipy.sparse.coo_array(X), PILES.y
    )
    model = fitted(method, sparse)
    assert same_bits(model.outputs(sparse.X), model.outputs(X))


@each_method
def test_memory_maps_and_objects_are_as_arrays(method: type[Any], tmp_path: Path) -> None:
    S, y = PILES.source.rows.sample(1000), PILES.source.y
    whole = once(method).outputs(PILES.X)
    mapped = Piles(
        Domain(as_memmap(S, tmp_path / "s.npy"), y), as_memmap(PILES.X, tmp_path / "t.npy"), PILES.y
    )
    objects = Piles(Domain(S.astype(object), y), PILES.X.tolist(), PILES.y.tolist())
    foreign = Piles(Domain(S.astype(">f8"), y), PILES.X.astype(">f8"), PILES.y)
    for piles in (mapped, objects, foreign):
        assert same_bits(fitted(method, piles).outputs(piles.X), whole)


@each_method
def test_pictures(method: type[Any]) -> None:
    piles = PICTURES
    assert pictured(method).predict(piles.X).shape == (len(piles.X),)
    planes = Piles(
        Domain(piles.source.rows.sample(1000)[..., 0], piles.source.y), piles.X[..., 0], piles.y
    )
    model = fitted(method, planes)
    assert model.predict(planes.X).shape == (len(planes.X),)


@each_method_of_labels
def test_names_of_classes_come_back(method: type[Any]) -> None:
    words = np.array(["ant", "bee", "cat"])
    piles = PILES._replace(
        source=Domain(PILES.source.rows, words[PILES.source.y]), y=words[PILES.y]
    )
    model = fitted(method, piles)
    numbers = once(method)
    assert np.array_equal(model.predict(PILES.X), words[numbers.predict(PILES.X)])
    assert model.score(PILES.X, piles.y) == numbers.score(PILES.X, PILES.y)
    if is_classifier(model):
        assert model.classes_.tolist() == words.tolist()
        assert np.allclose(model.predict_proba(PILES.X).sum(axis=1), 1, atol=1e-6)


@each_method_of_labels
def test_some_labels_may_be_missing(method: type[Any]) -> None:
    some = PILES.y.copy()
    some[::2] = -1
    holes = np.where(some < 0, None, np.array(["ant", "bee", "cat"])[some])
    model = fitted(method, PILES._replace(y=some))
    assert set(model.predict(PILES.X)) <= {0, 1, 2}
    words = Domain(PILES.source.rows, np.array(["ant", "bee", "cat"])[PILES.source.y])
    named = fitted(method, PILES._replace(source=words, y=holes))
    assert same_bits(model.outputs(PILES.X), named.outputs(PILES.X))
    without = short(method)
    if not method.needs.target_labels:
        without.fit(PILES.X, **given(method, PILES.source))
        assert set(without.predict(PILES.X)) <= {0, 1, 2}


@each_method_of_a_task
def test_fractions_are_a_regression(method: type[Any]) -> None:
    rng = np.random.default_rng(0)
    y, z = (5 * X[:, 0] + 100 + rng.normal(size=len(X)) for X in (PILES.X, PILES.X))
    source = Domain(PILES.X, z)
    if method.needs.classes:
        with pytest.raises(FourfoldError, match="must have classes to learn"):
            fitted(method, PILES._replace(source=source, y=y))
        return
    model = fitted(method, PILES._replace(source=source, y=y))
    assert isinstance(model.task_, Regression)
    assert model.predict(PILES.X).shape == y.shape
    assert abs(model.predict(PILES.X).mean() - 100) < 50  # in the units of the labels
    both = np.column_stack([y, z])
    both[::3, 0] = np.nan
    model = fitted(method, PILES._replace(source=Domain(PILES.X, both), y=both))
    assert model.predict(PILES.X).shape == both.shape
    with pytest.raises(FourfoldError, match="continuous"):
        fitted(method, PILES._replace(source=source, y=y), task=Classification())


@each_method
def test_a_preparation_that_is_fitted_stays_as_it_is(method: type[Any], tmp_path: Path) -> None:
    if not has(method, "prepare"):
        pytest.skip("prepares nothing")
    ready = Standardize().fit(as_rows(10 * PILES.X))
    before = ready.digest
    model = fitted(method, PILES, prepare=FrozenEstimator(ready))
    assert clone(model).prepare.estimator is ready
    assert model.prepare_.digest == before == ready.digest
    if not has(method, "n_estimators"):  # which ask whether a number is above another, at any scale
        assert not same_bits(model.outputs(PILES.X), once(method).outputs(PILES.X))
    loaded = load(save(model, tmp_path / "model"))
    assert same_bits(loaded.outputs(PILES.X), model.outputs(PILES.X))
    for wrong in (Standardize(), model):
        with pytest.raises(ParameterError) as error:
            fitted(method, PILES, prepare=FrozenEstimator(wrong))
        refused(error, "must be a Preparation that is fitted")


# --- scikit-learn --------------------------------------------------------------------------------


@each_method
def test_cross_val_score_with_a_source(method: type[Any]) -> None:
    scores = cross_val_score(
        short(method), PILES.X, PILES.y, params=given(method, PILES.source), cv=2
    )
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()


@each_method_of_steps
def test_grid_search_over_the_recipe_with_a_source(method: type[Any]) -> None:
    grid = {"recipe__learning_rate": [0.001, 0.03]}
    search = GridSearchCV(short(method), grid, cv=ShuffleSplit(1, test_size=0.5, random_state=0))
    search.fit(PILES.X, PILES.y, **given(method, PILES.source))
    best = search.best_params_["recipe__learning_rate"]
    wanted = fitted(method, PILES, learning_rate=best)
    assert same_bits(search.best_estimator_.outputs(PILES.X), wanted.outputs(PILES.X))


# --- several tasks at once -----------------------------------------------------------------------


each_joint = pytest.mark.parametrize("method", JOINT, ids=names(JOINT))


def tasks(X: Any = PILES.X, y: Any = PILES.y) -> dict[str, Domain]:
    """Make two tasks of different rows and labels."""
    return {"one": PILES.source, "two": Domain(X, y * 10)}


def said(model: Any, X: Any = PILES.X) -> list[Any]:
    """Return the finest that a joint model says of rows in each task."""
    return [model.outputs(X, task=name) for name in ("one", "two")]


def same(a: list[Any], b: list[Any]) -> bool:
    return all(same_bits(*pair) for pair in zip(a, b, strict=True))


@each_joint
def test_joint_construction_only_stores(method: type[Any]) -> None:
    nonsense = {name: object() for name in method().get_params(deep=False)}
    assert vars(method(**nonsense)) == nonsense


@each_joint
def test_joint_clone_and_refit_give_the_same_bits(method: type[Any]) -> None:
    model = short(method, random_state=3)
    first = said(model.fit(tasks()))
    copy = clone(model)
    assert set(vars(copy)) == set(model.get_params(deep=False))
    assert same(said(copy.fit(tasks())), first)
    assert same(said(model.fit(tasks())), first)
    assert not same(said(clone(model).set_params(random_state=4).fit(tasks())), first)


@each_joint
def test_the_order_of_rows_moves_joint_methods_no_more_than_a_seed_does(method: type[Any]) -> None:
    order = np.random.default_rng(5).permutation(len(PILES.X))
    turned = {name: domain.subset(order) for name, domain in tasks().items()}
    one, other = (
        [np.concatenate(said(method(recipe=BATCHES, random_state=s).fit(rows))) for s in (0, 1)]
        for rows in (tasks(), turned)
    )
    by_order = [apart(*pair) for pair in zip(one, other, strict=True)]
    assert np.mean(by_order) <= 2 * np.mean([apart(*one), apart(*other)])


@each_joint
def test_joint_recipes_are_searched_over(method: type[Any]) -> None:
    model = method().set_params(recipe__learning_rate=0.125)
    assert model.recipe.get_params() == {
        **method.default_recipe.get_params(), "learning_rate": 0.125
    }  # fmt: skip


@each_joint
def test_joint_methods_leave_what_they_are_given_alone(method: type[Any], tmp_path: Path) -> None:
    torch.manual_seed(11)
    before, X = torch.get_rng_state(), PILES.X.copy()
    model = short(method).fit(tasks(X))
    first = said(model)
    said(load(save(model, tmp_path / "model")))
    assert torch.equal(torch.get_rng_state(), before)
    assert same_bits(X, PILES.X)
    X.flags.writeable = False
    torch.manual_seed(12)
    assert same(said(short(method).fit(tasks(X))), first)


@each_joint
def test_joint_rows_predict_as_in_any_batch(method: type[Any]) -> None:
    model = short(method).fit(tasks())
    whole = said(model)
    order = np.random.default_rng(0).permutation(len(PILES.X))
    for part in (order[:1], order[1:36], order, np.repeat(order[:2], 20)):
        assert same(said(model, PILES.X[part]), [outputs[part] for outputs in whole])


@each_joint
def test_joint_models_are_saved(method: type[Any], tmp_path: Path) -> None:
    model = short(method, random_state=4).fit(tasks())
    loaded = load(save(model, tmp_path / "model"))
    assert type(loaded) is method
    assert repr(loaded) == repr(model)
    assert same(said(loaded), said(model))
    assert set(loaded.predict(PILES.X, task="two")) <= {0, 10, 20}
    assert loaded.score(PILES.X, PILES.y * 10, task="two") == model.score(
        PILES.X, PILES.y * 10, task="two"
    )
    assert same(said(loaded.fit(tasks())), said(model))
    one = load(save(model.of("one"), tmp_path / "one"))
    assert same_bits(one.outputs(PILES.X), said(model)[0])


@each_joint
def test_joint_models_say_nothing_before_fit(method: type[Any], tmp_path: Path) -> None:
    for name in ("predict", "outputs"):
        with pytest.raises(NotFittedError):
            getattr(method(), name)(PILES.X, task="one")
    with pytest.raises(NotFittedError):
        method().score(PILES.X, PILES.y, task="one")
    for ask in (lambda: method().of("one"), lambda: save(method(), tmp_path / "model")):
        with pytest.raises(NotFittedError):
            ask()


@each_joint
@pytest.mark.usefixtures("no_training")
def test_joint_methods_refuse_bad_input(method: type[Any]) -> None:
    hole = PILES.X.copy()
    hole[-1, -1] = np.nan
    one = Domain(PILES.X, np.zeros(len(PILES.X), int))
    wrong = [{}, PILES.source, {"one": PILES.X}, {"one": PILES.source.unlabelled()},
             tasks(hole), {**tasks(), "three": one}]  # fmt: skip
    for given_ in wrong:
        with pytest.raises(FourfoldError) as error:
            short(method).fit(given_)
        refused(error)
    with pytest.raises(ParameterError) as error:
        short(method, random_state="zero").fit(tasks())
    refused(error, "random_state", "got 'zero'")


@each_joint
def test_joint_models_refuse_other_tasks_and_rows(method: type[Any]) -> None:
    model = short(method).fit(tasks())
    with pytest.raises(ParameterError) as error:
        model.predict(PILES.X, task="three")
    refused(error, "'one', 'two'", "got 'three'")
    for strange in (PILES.X[:, :-1], PILES.X[0], pd.DataFrame(PILES.X)):
        with pytest.raises(FourfoldError) as error:
            model.predict(strange, task="one")
        refused(error)


@each_joint
def test_joint_candidates_can_learn(method: type[Any]) -> None:
    for candidate in method.candidates(tasks()):
        candidate.set_params(recipe=Recipe(epochs=1, min_steps=2)).fit(tasks())
        assert len(candidate.predict(PILES.X, task="two")) == len(PILES.X)


def test_every_method_is_one_of_the_two_contracts() -> None:
    assert len(TRANSFER) + len(JOINT) == len(METHODS) > 0
