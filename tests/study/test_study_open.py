"""Studies of open sets: unknown classes are judged, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from fourfold import Domain, Mlp, PseudoLabel, Recipe, load
from fourfold.core.tasks import Classification
from fourfold.errors import DataError, ParameterError
from fourfold.report import write_report
from fourfold.study.result import Result
from study.samples import transfer_study

CENTERS = [(-4, 0), (4, 0), (0, 6), (0, 2)]


def piles(names=("a", "b", "c", "other")):
    def pile(seed, shift, k):
        X, y = make_blobs([40] * k, centers=np.array(CENTERS[:k]) + shift, random_state=seed)
        return X.astype(np.float32), np.array(names)[y]

    source, target, judged = pile(0, 0, 3), pile(1, 0.5, 4), pile(2, 0.5, 4)
    return Domain(*source), Domain(target[0]), Domain(*judged, name="judged")


def study(tmp_path, *data, **options):
    given = {
        "methods": ["PseudoLabel"],
        "seeds": 1,
        "open_set": True,
        "recipe": Recipe(epochs=2, min_steps=60, batch_size=32),
        "network": Mlp(hidden_layer_sizes=(64,)),
    }
    return transfer_study(tmp_path, *data, **{**given, **options})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("open")
    return folder, study(folder, *piles()).run()


def test_known_and_unknown_classes_are_scored_apart(finished):
    folder, result = finished
    assert result.metric == "h_score"
    assert not any(line.error for line in result.lines)
    for line in result.lines:
        known, unknown = line.sides["known"], line.sides["unknown"]
        wanted = 2 * known * unknown / max(known + unknown, 1e-12)
        assert line.scores == pytest.approx([wanted])
    assert "unknown" in result.classes
    assert "other" in result.classes
    assert Result.load(folder / "out" / "result.json").lines == result.lines
    write_report([result], folder / "report.html")
    assert "H-score" in (folder / "report.html").read_text()


def test_what_ships_says_unknown(finished):
    folder, _ = finished
    _, _, judged = piles()
    model = load(folder / "out" / "best")
    assert model.classes_.tolist() == ["a", "b", "c", "unknown"]
    found = model.predict(judged)
    assert (found == "unknown")[judged.y == "other"].mean() > 0.5


def test_unknown_classes_change_no_model(finished, tmp_path):
    """Rows to judge on have their classes in another order: the same model ships."""
    folder, result = finished
    source, target, judged = piles()
    swapped = Domain(judged.rows, judged.y[::-1].copy())
    again = study(tmp_path, source, target, swapped).run()
    assert again.shipped == result.shipped
    first, second = (load(place / "out" / "best") for place in (folder, tmp_path))
    np.testing.assert_array_equal(first.outputs(judged), second.outputs(judged))


def test_own_settings_of_a_task_stay(tmp_path):
    own = PseudoLabel(task=Classification(smoothing=0.1))
    planned = study(tmp_path, *piles(), methods=[own])
    (asked,) = (one for one in planned.questions.values())
    assert asked.candidates["PseudoLabel"].task.smoothing == 0.1
    assert asked.candidates["PseudoLabel"].task.open_set
    assert own.task.open_set is False


def test_what_cannot_be_asked_is_one_sentence(tmp_path):
    source, target, judged = piles()
    labelled = Domain(judged.rows, np.where(judged.y == "other", None, judged.y))
    numbers = Domain(source.rows, np.linspace(0, 1, source.n_rows))
    with pytest.raises(ParameterError, match="open_set must stand beside a source with classes"):
        study(tmp_path, source, labelled)
    with pytest.raises(ParameterError, match="open_set must stand beside classes"):
        study(tmp_path, numbers, target, methods=["DAN"])
    with pytest.raises(ParameterError, match="accuracy or balanced_accuracy beside open_set"):
        study(tmp_path, source, target, judged, metric="auc")
    with pytest.raises(ParameterError, match="SHOT does not: it answers with classes"):
        study(tmp_path, source, target, judged, methods=["SHOT"])
    known = judged.subset(np.flatnonzero(judged.y != "other"))
    with pytest.raises(DataError, match="got classes of the source alone"):
        study(tmp_path, source, target, known)
    called = Domain(source.rows, np.where(source.y == "a", "unknown", source.y))
    with pytest.raises(DataError, match="rename it"):
        study(tmp_path, called, target)
    with pytest.raises(DataError, match="must have an example in the source or the target"):
        study(tmp_path, source, target, judged, open_set=False)
