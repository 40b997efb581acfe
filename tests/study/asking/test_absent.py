"""Classes of the source without a label of the target stay possible, and cost who lacks them."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, FineTune, Prototypes, Recipe, SourceOnly, TargetOnly
from fourfold.errors import DataError
from fourfold.study.asking.absent import Absent
from fourfold.study.scores import SCORES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
LEVEL = np.array(["low", "mid", "high"])[np.digitize(X[:, 0], [-0.4, 0.4])]
SOURCE = Domain(X, LEVEL, name="source")
SHARE = float((LEVEL == "high").mean())
LOW = Domain(X[LEVEL != "high"], LEVEL[LEVEL != "high"], name="target")
CANDIDATES = {"TargetOnly": TargetOnly(), "SourceOnly": SourceOnly(), "FineTune": FineTune()}


def test_a_method_without_the_class_misses_its_share_of_the_source():
    absent = Absent.of(CANDIDATES, [SOURCE], LOW)
    assert absent.classes == ["high"]
    assert absent.shares == {"TargetOnly": pytest.approx(SHARE)}
    accuracy, auc = SCORES["accuracy"], SCORES["auc"]
    assert absent.discounted([0.9], "TargetOnly", accuracy) == [pytest.approx(0.9 * (1 - SHARE))]
    assert absent.discounted([0.9], "FineTune", accuracy) == [0.9]
    assert absent.discounted([0.5], "TargetOnly", auc) == [0.5]
    (said,) = absent.notes()
    assert "no label of class 'high' yet" in said
    assert "TargetOnly cannot predict it" in said
    assert f"{SHARE:.0%}" in said


def test_where_all_classes_have_labels_nothing_changes():
    absent = Absent.of(CANDIDATES, [SOURCE], SOURCE)
    assert (absent.classes, absent.shares, absent.notes()) == ([], {}, [])
    other = Domain(X, np.where(X[:, 0] > 0, "yes", "no"))
    apart = Absent.of({"FineTune": FineTune()}, [SOURCE], other)
    assert (apart.classes, apart.shares) == ([], {})
    numbers = Absent.of(CANDIDATES, [Domain(X, X[:, 0])], Domain(X, X[:, 1]))
    assert numbers == Absent()


def test_a_class_to_evaluate_on_that_no_method_predicts_is_refused():
    judged = Domain(X, LEVEL, name="judged")
    Absent.of(CANDIDATES, [SOURCE], LOW).check(judged, LOW)
    alone = Absent.of({"TargetOnly": TargetOnly()}, [SOURCE], LOW)
    with pytest.raises(DataError, match="some method can predict; got also 'high'"):
        alone.check(judged, LOW)
    strange = Domain(X, np.where(LEVEL == "low", "odd", "mid"), name="target")
    absent = Absent.of({"FineTune": FineTune()}, [SOURCE], strange)
    (said,) = absent.notes()
    assert said.endswith("as it has classes that the source lacks, no method can predict them.")


@pytest.mark.parametrize("method", [FineTune, Prototypes])
def test_a_method_that_keeps_the_sources_classes_still_says_them(method):
    few = Domain(LOW.rows.take(np.arange(20)), LOW.known[:20])
    model = method(recipe=Recipe(epochs=5, min_steps=60, learning_rate=0.01)).fit(
        few, source=SOURCE
    )
    assert model.classes_.tolist() == ["high", "low", "mid"]
    said = model.predict(X) == "high"
    assert said[LEVEL == "high"].mean() > 0.8
    assert said[LEVEL == "low"].mean() < 0.1


def test_a_fresh_head_knows_the_targets_classes_alone():
    model = FineTune(head="new", recipe=Recipe(epochs=1, min_steps=1)).fit(LOW, source=SOURCE)
    assert model.classes_.tolist() == ["low", "mid"]
