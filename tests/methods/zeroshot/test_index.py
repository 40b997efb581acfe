"""An index of very many classes stands beside the model, is saved with it and grows."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fourfold import Domain, RidgeToDescriptions, load, save
from fourfold.errors import BundleError, MissingExtraError, ParameterError
from fourfold.methods.zeroshot import _candidates
from methods.zeroshot.worlds import each_method, parted, short

pytest.importorskip("faiss")


def many_classes(classes=300, width=8, seed=0):
    """Draw rows around a random map of each class's unit vector; a third of the classes is seen."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(classes, width))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = np.array([f"label {i:04}" for i in random.permutation(classes)])
    turn = random.normal(size=(width, 12))
    codes = np.arange(20 * classes) % classes
    X = (vectors[codes] @ turn + 0.05 * random.normal(size=(len(codes), 12))).astype(np.float32)
    described = dict(zip(names.tolist(), vectors, strict=True))
    seen = codes < classes // 3
    source = Domain(X[seen], names[codes[seen]], classes=described)
    return source, X[~seen], names[codes[~seen]], described


@pytest.mark.parametrize("kind", ["exact", "ivf", "hnsw"])
def test_the_index_finds_what_a_look_at_all_finds(kind, tmp_path):
    source, X, y, described = many_classes()
    target = Domain(X, classes={name: described[name] for name in np.unique(y).tolist()})
    plain = RidgeToDescriptions().fit(target, source=source)
    model = RidgeToDescriptions(index=kind).fit(target, source=source)
    wanted, scores = plain.predict_topk(X, 3)
    names, found = model.predict_topk(X, 3)
    assert (names[:, 0] == wanted[:, 0]).mean() > 0.98
    assert np.allclose(found[names == wanted], scores[names == wanted], atol=1e-4)
    assert (names[:, 0] == y).mean() > 0.9
    loaded = load(save(model, tmp_path / "model"))
    assert all(
        np.array_equal(a, b)
        for a, b in zip(loaded.predict_topk(X, 3), model.predict_topk(X, 3), strict=True)
    )
    again = load(save(loaded, tmp_path / "again"))  # from files that are mapped
    assert np.array_equal(again.predict_topk(X, 3)[0], names)


@pytest.mark.parametrize("kind", ["exact", "ivf", "hnsw"])
def test_labels_are_added_to_a_saved_index_without_training(kind, tmp_path):
    source, X, y, described = many_classes()
    late = np.unique(y)[::3].tolist()
    early = {name: described[name] for name in np.unique(y).tolist() if name not in late}
    model = RidgeToDescriptions(index=kind).fit(Domain(X, classes=early), source=source)
    model = load(save(model, tmp_path / "model"))
    before = model.model_.head
    kept = {k: v.clone() for k, v in before.state_dict().items() if k not in {"labels", "bias"}}
    model.add_classes({name: described[name] for name in late})
    assert all((before.state_dict()[k] == v).all() for k, v in kept.items())
    assert (model.predict_topk(X, 1)[0][:, 0] == y).mean() > 0.9
    agree = model.predict_topk(X, 1)[0][:, 0] == model.predict(X)
    assert agree.mean() > 0.98
    grown = load(save(model, tmp_path / "grown"))
    assert np.array_equal(grown.predict_topk(X, 2)[0], model.predict_topk(X, 2)[0])


def test_what_does_not_fit_is_refused(monkeypatch):
    source, X, y, described = many_classes(60)
    target = Domain(X, classes={name: described[name] for name in np.unique(y).tolist()})
    model = RidgeToDescriptions(index="exact").fit(target, source=source)
    with pytest.raises(ParameterError, match=r"k must lie in \[1, 40\]"):
        model.predict_topk(X, 41)
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.delitem(sys.modules, "fourfold.algorithms.label_index")
    with pytest.raises(MissingExtraError, match="labels"):
        RidgeToDescriptions(index="exact").fit(target, source=source)


def test_an_index_of_other_classes_is_refused(tmp_path):
    source, X, y, described = many_classes(60)
    names = np.unique(y).tolist()
    models = [
        RidgeToDescriptions(index="exact").fit(
            Domain(X, classes={name: described[name] for name in names[:n]}), source=source
        )
        for n in (20, 30)
    ]
    models[0].fitted_.files["index"] = models[1].fitted_.files["index"]
    with pytest.raises(BundleError, match="must hold an index of the model's 20 classes; got 30"):
        load(save(models[0], tmp_path / "model"))


@each_method
def test_very_many_classes_are_looked_up_in_an_index(method, monkeypatch):
    pytest.importorskip("faiss")
    source, target, _ = parted()
    model = short(method).fit(target, source=source)
    names, scores = model.predict_topk(target.rows, 3)
    monkeypatch.setattr(_candidates, "VERY_MANY", 2)
    found, near = model.predict_topk(target.rows, 3)
    np.testing.assert_array_equal(found, names)
    np.testing.assert_allclose(near, scores, atol=1e-4)
    with pytest.raises(ParameterError, match=r"k .*got 5"):
        model.predict_topk(target.rows, 5)
    late = {"late": target.classes.frame.iloc[0].to_dict()}
    model.add_classes(late)  # another index is built
    assert "late" in model.predict_topk(target.rows, 5)[0]
