"""Questions: what is asked of each target, and what is said of its data."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, Mlp, MultiTask
from fourfold.errors import ParameterError
from fourfold.preparation.choose import SentenceEncoding, Standardize
from fourfold.study.question import ask_tasks, ask_transfer
from study.samples import domains, options, tasks


def test_a_question_holds_all_that_is_asked_of_a_target():
    source, target, evaluate = domains(n=600)
    question = ask_transfer([source], target, evaluate, options=options(), title="")
    assert question.title == "source → target"
    assert question.placement.cell == "finetuning"
    assert question.domains == [source, target, evaluate]
    assert question.protocol.splits.count == 3
    assert [part.n_rows for part in question.plotted] == [300, 50]
    assert not question.notes
    inputs = question.preparation.transform(source.rows).sample(10)
    assert inputs.shape == (10, 64)


def test_descriptions_that_are_not_used_are_noted():
    source, target, _ = domains()
    described = target.described({i: [float(i), 1.0] for i in range(10)})
    question = ask_transfer([source], described, None, options=options(), title="mine")
    assert question.title == "mine"
    assert [note.partition(":")[0] for note in question.notes] == [
        "Descriptions of classes are not used"
    ]


def test_tasks_with_the_same_inputs_share_a_preparation_and_joint_methods():
    questions = ask_tasks(tasks(), dict.fromkeys(tasks()), options=options(methods=["MultiTask"]))
    assert len({id(question.preparation) for question in questions.values()}) == 1
    joint = [question.candidates["MultiTask"] for question in questions.values()]
    assert len({id(method) for method in joint}) == 1
    assert {question.protocol.splits.count for question in questions.values()} == {3}
    assert [question.target.name for question in questions.values()] == list(tasks())


def test_tasks_with_other_inputs_are_prepared_each_by_itself():
    light = tasks()["light"]
    given = {**tasks(), "light": Domain(light.rows.sample(1000)[:, :30], light.y)}
    asked = options(methods=[MultiTask(share="middle")], network=Mlp(hidden_layer_sizes=(4,)))
    questions = ask_tasks(given, dict.fromkeys(given), options=asked)
    shapes = {name: question.preparation.shape_ for name, question in questions.items()}
    assert shapes == {"digit": (64,), "even": (64,), "light": (30,)}
    assert next(iter(questions.values())).candidates["MultiTask middle"].prepare is None


@pytest.mark.parametrize("texts", ["inputs", "descriptions", "nowhere"])
def test_an_encoder_is_for_texts(texts):
    rows = ["a", "b"] if texts == "inputs" else np.eye(2)
    classes = {"x": "of one kind", "y": "of another"} if texts == "descriptions" else None
    asked = options(encoder="all-MiniLM-L6-v2")
    data = [Domain(rows, ["x", "y"], classes=classes)]
    if texts == "nowhere":
        with pytest.raises(ParameterError, match="encoder must stand beside texts"):
            asked.preparation(data)
    else:
        assert isinstance(asked.preparation(data), SentenceEncoding) == (texts == "inputs")
    own = Standardize()
    assert options(encoder="some", prepare=own).preparation(data) is own
