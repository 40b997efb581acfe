"""LinearProbe: a linear model on features that stay, of target rows and of the source's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from fourfold import Domain, LinearProbe
from fourfold.errors import ParameterError
from fourfold.frozen.fingerprint import fingerprint
from fourfold.frozen.store import Store, using
from fourfold.networks import Pretrained
from small_networks import drawings, folder, opinions

pytest.importorskip("transformers", reason="transformers come with 'text'")


def network(kind, **settings):
    return Pretrained(name=f"hf:{folder(kind)}", **settings)


def test_the_network_stays_as_it_is_and_the_head_is_scikit_learns():
    x, y = drawings(16)
    probe = LinearProbe(alpha=0.1).fit(x, y, source=network("vit"))
    body = network("vit").build((3, 32, 32))
    assert fingerprint(probe.model_.body.bare()) == fingerprint(body)
    features = probe.embed(x)
    wanted = LogisticRegression(C=10, max_iter=5000).fit(features, y).predict_proba(features)
    np.testing.assert_allclose(probe.predict_proba(x), wanted, atol=1e-3)


def test_rows_of_the_source_teach_too():
    x, y = opinions(80)
    few, labels = opinions(4, seed=1)
    test, wanted = opinions(80, seed=2)
    net = network("bert", max_tokens=48)
    alone = LinearProbe().fit(few, labels, source=net).score(test, wanted)
    probe = LinearProbe(network=net).fit(few, labels, source=Domain(x, y))
    assert probe.score(test, wanted) > max(alone, 0.8)
    assert probe.findings_[0].values.keys() == {"times a source row's"}


def test_a_source_of_other_classes_is_left_out():
    x, _ = opinions(20)
    few, labels = opinions(8, seed=1)
    net = network("bert", max_tokens=48)
    other = Domain(x, np.where(np.arange(20) % 2, "long", "short"))
    ours = LinearProbe(network=net).fit(few, labels, source=other)
    alone = LinearProbe().fit(few, labels, source=net)
    assert torch.equal(ours.model_.head.weight, alone.model_.head.weight)


def test_with_a_store_features_are_computed_once(tmp_path, monkeypatch):
    x, y = opinions(24)
    test, _ = opinions(12, seed=1)
    net = network("bert", max_tokens=48)
    probe = LinearProbe(network=net).fit(x[:12], y[:12], source=Domain(x[12:], y[12:]))
    wanted, vectors = probe.outputs(test), probe.embed(test)
    monkeypatch.setattr("fourfold.estimators.model.LARGE", 1)
    with using(Store(tmp_path)):
        first = probe.outputs(test)
        np.testing.assert_allclose(first, wanted, atol=1e-5)
        monkeypatch.setattr(type(probe.model_.body), "forward", _fails)
        np.testing.assert_array_equal(probe.outputs(test), first)
        np.testing.assert_allclose(probe.embed(test), vectors, atol=1e-5)


def _fails(*_):
    raise AssertionError


def test_a_network_with_random_weights_is_no_source():
    with pytest.raises(ParameterError, match="with the weights of a training; got random ones"):
        LinearProbe().fit(*drawings(4), source=network("vit", weights=None))
