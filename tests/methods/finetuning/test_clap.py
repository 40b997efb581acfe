"""CLAP: a probe between the texts of the classes and the labels."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import CLAP, Domain, LabelEmbedding, load, save
from fourfold.errors import DataError, ParameterError
from fourfold.networks import Pretrained
from small_networks import drawings, folder

pytest.importorskip("transformers", reason="transformers come with 'text'")

X, Y = drawings(80)
FEW, TEST = Domain(X[:8], Y[:8]), (X[8:], Y[8:])
TEXTS = {"left": "left half", "right": "right half"}


def pair():
    return Pretrained(name=f"hf:{folder('towers')}")


def zero_shot(classes):
    return LabelEmbedding().fit(Domain(X, classes=classes), source=pair())


@pytest.mark.parametrize("classes", [["left", "right"], TEXTS])
def test_without_freedom_it_is_the_network_as_it_is(classes):
    few = FEW if isinstance(classes, list) else FEW.described(classes)
    wanted = zero_shot(classes).outputs(X)
    for one, near in ((CLAP(vectors="zero-shot"), 1e-5), (CLAP(alpha=1e9), 1e-4)):
        np.testing.assert_allclose(one.fit(few, source=pair()).outputs(X), wanted, atol=near)
    with pytest.raises(ParameterError, match="alpha of CLAP must be left out beside vectors="):
        CLAP(vectors="zero-shot", alpha=1.0).check()


def test_labels_mend_texts_that_are_wrong():
    wrong = {"left": "a photo of a right.", "right": "a photo of a left."}
    many = Domain(X[:48], Y[:48], classes=wrong)
    model, test = CLAP().fit(many, source=pair()), (X[48:], Y[48:])
    assert zero_shot(wrong).score(*test) < 0.3
    assert model.score(*test) > 0.7
    (facts,) = model.findings_
    assert all(float(share) < 0.4 for share in facts.values.values())


def test_a_saved_model_is_the_model(tmp_path):
    model = CLAP().fit(FEW, source=pair())
    save(model, tmp_path / "model")
    assert load(tmp_path / "model").outputs(X).tobytes() == model.outputs(X).tobytes()
    assert model.score(*TEST) > 0.7


def test_every_label_must_have_a_text_where_texts_are_given():
    few = FEW.described({"left": "left half", "top": "top half"})
    with pytest.raises(DataError, match="no description for right"):
        CLAP().fit(few, source=pair())
