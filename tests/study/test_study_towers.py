"""Studies in which a network of two towers, which knows classes by their names, is the source."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, Study, load
from fourfold.errors import DataError, ParameterError
from fourfold.frozen.store import Store
from fourfold.networks import Pretrained
from fourfold.study.asking.posing import check_transfer
from small_networks import drawings, folder

pytest.importorskip("transformers", reason="transformers come with 'text'")

X, Y = drawings(60)
TARGET = Domain(X[:30], classes=["left", "right", "half"], name="new")
JUDGED = Domain(X[30:], Y[30:], name="judged")
SAID = "The network reads the classes as texts, such as 'a photo of a left.'."


def pair(kind="towers"):
    return Pretrained(name=f"hf:{folder(kind)}")


def study(tmp_path, target=TARGET, evaluate=None, **options):
    given = {"network": pair(), "jobs": 1, "progress": False, **options}
    store = Store(tmp_path / "store")
    return Study(None, target, evaluate, output=tmp_path / "study", store=store, **given)


def test_without_any_label_the_network_as_it_is_ships(tmp_path):
    made = study(tmp_path)
    result = made.run()
    assert (result.cell, result.shipped) == ("zeroshot", "LabelEmbedding")
    assert result.verdict == "undecided"
    assert result.settings["seeds"] == [0]  # nothing is random
    assert result.chosen_by.startswith("nothing: there are no labels")
    assert SAID in result.notes
    model = load(tmp_path / "study" / "best")
    assert model.classes_.tolist() == ["half", "left", "right"]
    assert model.score(JUDGED.rows, JUDGED.y) > 0.5


def test_labels_to_evaluate_on_judge_and_choose_nothing(tmp_path):
    result = study(tmp_path, evaluate=JUDGED).run()
    assert result.verdict == "helped"
    assert {row.method for row in result.lines} == {"Chance", "LabelEmbedding"}
    other = Domain(JUDGED.rows, np.where(JUDGED.y == "left", "right", "left"))
    wrong = study(tmp_path / "wrong", evaluate=other).run()
    assert wrong.shipped == "LabelEmbedding"
    assert any("Choice and verdict disagree" in note for note in wrong.notes)


def test_with_few_labels_a_probe_starts_from_the_texts(tmp_path):
    few = Domain(X[:8], Y[:8], name="few")
    made = study(tmp_path, few, JUDGED, methods=["CLAP"], seeds=1, recipe={"steps": 2})
    (question,) = made.questions.values()
    assert SAID in question.notes
    result = made.run()
    assert not [row.error for row in result.lines if row.error]
    assert {"CLAP", "CLAP zero-shot", "TargetOnly"} <= {row.method for row in result.lines}
    (asked,) = study(tmp_path / "all", few, JUDGED).questions.values()
    assert "CLAP" in asked.candidates
    (other,) = study(tmp_path / "vit", few, JUDGED, network=pair("vit")).questions.values()
    assert "CLAP" not in other.candidates


def test_what_does_not_fit_is_refused(tmp_path):
    for options in ({"generalized": True}, {"encoder": "english"}):
        with pytest.raises(ParameterError, match=f"{next(iter(options))} must be left out where"):
            study(tmp_path, **options)
    with pytest.raises(DataError, match="must have labels, or classes by their names, where"):
        study(tmp_path, Domain(X[:30]))
    with pytest.raises(DataError, match="must have labels where a trained network is the source"):
        study(tmp_path, network=pair("vit"))
    with pytest.raises(DataError, match="at least two candidate classes must be named; got one"):
        study(tmp_path, Domain(X[:30], classes=["left"]))
    with pytest.raises(DataError, match="must be one that is described; got also 'left'"):
        study(tmp_path, Domain(X[:30], classes=["up", "down"]), JUDGED)
    with pytest.raises(ParameterError, match="ESZSL does not: the source is a trained network"):
        study(tmp_path, methods=["ESZSL"])


def test_the_map_says_as_much():
    assert check_transfer(None, TARGET, JUDGED, pair()) == [SAID]
