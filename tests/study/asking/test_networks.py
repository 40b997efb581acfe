"""Of several pretrained networks a linear probe on the target's labels chooses one."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, Study
from fourfold.errors import ParameterError
from fourfold.frozen.store import Store
from fourfold.networks import Pretrained
from fourfold.study.asking.networks import choose_network
from small_networks import drawings, folder

pytest.importorskip("transformers", reason="transformers come with 'text'")

X, Y = drawings(30)
FEW, SOURCE = Domain(X[:12], Y[:12], name="few"), Domain(X[12:18], Y[12:18], name="many")


def networks():
    return [Pretrained(name=f"hf:{folder(kind)}") for kind in ("vit", "clip")]


def test_the_best_probe_is_taken_whatever_the_order(tmp_path):
    store = Store(tmp_path / "store")
    chosen, (note,) = choose_network(networks(), None, FEW, store)
    other, _ = choose_network(networks()[::-1], None, FEW, store)
    assert chosen.name == other.name
    scores = [float(word.strip(",:")) for word in note.split() if word[:2] in {"0.", "1."}]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    assert f"the study builds on {chosen.name}" in note


def test_a_source_with_labels_teaches_the_probe_too():
    one, _ = choose_network(networks()[:1], SOURCE, FEW, None)
    assert one.name == networks()[0].name
    _, (note,) = choose_network(networks(), SOURCE, FEW, None)
    assert "compares the networks" in note


def test_rows_without_a_label_stay_out(tmp_path):
    partly = Domain(X[:20], np.where(np.arange(20) < 12, Y[:20], None), name="few")
    _, whole = choose_network(networks(), None, FEW, Store(tmp_path / "store"))
    assert choose_network(networks(), None, partly, Store(tmp_path / "store"))[1] == whole


def test_with_one_label_a_class_the_first_is_taken():
    chosen, (note,) = choose_network(networks(), None, Domain(X[:2], Y[:2]), None)
    assert chosen.name == networks()[0].name
    assert note.startswith("Too few labels can be held out")


def test_one_network_is_not_compared_and_other_things_are_refused():
    assert choose_network("mlp", None, FEW, None) == ("mlp", ())
    assert choose_network(networks()[:1], None, FEW, None)[1] == ()
    for given, got in (
        ([networks()[0], "mlp"], "'mlp'"),
        ([networks()[0], Pretrained(name=networks()[1].name, weights=None)], "Pretrained"),
        ([], "0 of them"),
    ):
        with pytest.raises(ParameterError, match=rf"several networks must be .*; got {got}"):
            choose_network(given, None, FEW, None)
    with pytest.raises(ParameterError, match="beside a target with labels"):
        choose_network(networks(), None, FEW.unlabelled(), None)


def test_a_study_builds_on_it(tmp_path):
    study = Study(
        None, FEW, network=[one.name for one in networks()], methods=["LinearProbe"],
        output=tmp_path / "study", store=Store(tmp_path / "store"), progress=False,
    )  # fmt: skip
    (question,) = study.questions.values()
    (note,) = [note for note in question.notes if "compares the networks" in note]
    assert f"builds on {question.trained.name}." in note.replace(": The", ". The")
