"""Studies of transcripts: error rates, groups, tasks that are languages."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fourfold import MultiTask, Study
from fourfold.errors import DataError, ParameterError
from fourfold.networks import Listener
from fourfold.readers import read_domains
from fourfold.report import write_report
from tones import phrases, write_tones

NET = Listener(width=32, blocks=3, kernel=7, dropout=0.0, time_masks=0, band_masks=0)
SHORT = {"min_steps": 60, "epochs": 1, "learning_rate": 1e-2}
OPTIONS = {"network": NET, "seeds": 1, "folds": 2, "progress": False, "jobs": 1}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    root = tmp_path_factory.mktemp("spoken")
    return read_domains([
        write_tones(root / "many", phrases(40, 0)),
        write_tones(root / "few", phrases(8, 1), pitch=1.12, speakers=[*"aabbccdd"]),
        write_tones(root / "judged", phrases(20, 2), pitch=1.12),
        write_tones(root / "strange", ["äa", "äe", "äi", "äo"] * 2),
    ])  # fmt: skip


@pytest.fixture(scope="module")
def result(spoken, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "out"
    many, few, judged, _ = spoken
    methods = ["FineTune", "KLAdaptation"]
    options = {**OPTIONS, "recipe": SHORT}
    return Study(many, few, judged, methods=methods, output=folder, **options).run(), folder


def test_errors_are_shown_and_lower_is_better(result):
    found, _ = result
    rows = {line.method: line for line in found.lines}
    assert found.metric == "cer"
    assert found.lower_is_better
    assert set(rows) == {"TargetOnly", "FineTune", "KLAdaptation"}  # no linear models, no blends
    assert found.shipped in {"FineTune", "KLAdaptation"}
    assert rows[found.shipped].scores[0] < rows["TargetOnly"].scores[0]


def test_the_report_aligns_the_transcripts(result):
    found, folder = result
    write_report([found], folder / "report.html")
    page = (folder / "report.html").read_text("utf-8")
    assert "wrong words in 100" in page
    assert "wrong characters in 100" in page
    assert "Words most often misheard" in page


def test_speakers_stay_together_and_finished_fits_are_read_again(result, spoken):
    found, folder = result
    assert "groups whole" in found.chosen_by
    before = json.loads((folder / "result.json").read_text("utf-8"))["lines"]
    many, few, judged, _ = spoken
    methods = ["FineTune", "KLAdaptation"]
    options = {**OPTIONS, "recipe": SHORT}
    again = Study(many, few, judged, methods=methods, output=folder, resume=True, **options).run()
    after = json.loads((folder / "result.json").read_text("utf-8"))["lines"]
    assert [line["scores"] for line in before] == [line["scores"] for line in after]
    assert again.shipped == found.shipped


def test_languages_are_tasks(spoken, tmp_path):
    many, *_, strange = spoken
    study = Study(
        tasks={"one": many.subset(np.arange(12)), "two": strange},
        methods=[MultiTask()], recipe={"steps": 8}, output=tmp_path / "out", **OPTIONS,
    )  # fmt: skip
    found = study.run()
    assert [row.method for row in found.lines] == ["MultiTask"]
    assert set(found.lines[0].gains) == {"one", "two"}
    assert {line.method for line in found.results["two"].lines} == {"MultiTask", "TargetOnly"}


def test_letters_that_the_source_lacks_leave_methods_out(spoken, tmp_path):
    many, *_, strange = spoken
    with pytest.raises(ParameterError, match=r"KLAdaptation does not: the source lacks letters.*ä"):
        Study(many, strange, methods=["KLAdaptation"], output=tmp_path / "out", **OPTIONS)


def test_a_network_of_rows_is_refused_before_anything_is_trained(spoken, tmp_path):
    options = {**OPTIONS, "network": "mlp"}
    with pytest.raises(ParameterError, match="features of each frame"):
        Study(*spoken[:2], output=tmp_path / "out", **options)


def test_a_language_without_transcripts_is_refused(spoken, tmp_path):
    many, few, *_ = spoken
    tasks = {"one": many, "two": few.unlabelled()}
    with pytest.raises(DataError, match="task 'two' must have labels; got none"):
        Study(tasks=tasks, output=tmp_path / "out", **OPTIONS)
