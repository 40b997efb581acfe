"""A folder is written by one study at a time, and holds one."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from fourfold import Domain, FineTune, Recipe, load
from fourfold.errors import FileError, ParameterError
from study.samples import domains, transfer_study, weights

SHORT = {"methods": ["FineTune"], "seeds": 1}


def others():
    source, target, evaluate = domains()
    return Domain(source.rows, np.roll(source.y, 1)), target, evaluate


HOLD = """
import sys
from pathlib import Path
from fourfold.study.running.folder import StudyFolder
with StudyFolder(Path(sys.argv[1]), "data", resume=False, force=False).held():
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_study_is_refused_while_one_is_running(tmp_path):
    study = transfer_study(tmp_path, *domains(), force=True, **SHORT)
    command = [sys.executable, "-c", HOLD, str(tmp_path / "out")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(FileError, match="one study at a time; another one is running"):
            study.run()
        other.communicate(b"\n")
    assert study.run().shipped


def test_a_used_folder_is_gone_on_with_or_replaced_but_never_mixed(tmp_path):
    first = transfer_study(tmp_path, *domains(), **SHORT).run()
    kept = weights(tmp_path / "out")
    for data in (domains(), others()):
        with pytest.raises(FileError, match=r"holds one: resume=True .*, force=True replaces it"):
            transfer_study(tmp_path, *data, **SHORT)
    with pytest.raises(FileError, match=r"of other data: force=True replaces it"):
        transfer_study(tmp_path, *others(), resume=True, **SHORT)
    with pytest.raises(ParameterError, match="exclude each other; got both"):
        transfer_study(tmp_path, *domains(), resume=True, force=True, **SHORT)
    assert weights(tmp_path / "out") == kept
    again = transfer_study(tmp_path, *domains(), resume=True, **SHORT).run()
    assert again.lines[0].scores == first.lines[0].scores
    (tmp_path / "out" / "models" / "Old").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    result = transfer_study(tmp_path, *others(), force=True, **SHORT).run()
    assert not (tmp_path / "out" / "models" / "Old").exists()
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
    scores = [{line.method: line.scores for line in one.lines} for one in (first, result)]
    assert scores[0]["FineTune"] != scores[1]["FineTune"]
    fitted = sum(not line.blended for line in result.lines)
    assert len(list((tmp_path / "out" / "runs").glob("*.safetensors"))) == fitted * 3


def test_a_study_that_began_before_another_took_the_folder_is_refused(tmp_path):
    late = transfer_study(tmp_path, *domains(), **SHORT)
    transfer_study(tmp_path, *others(), **SHORT).run()
    with pytest.raises(FileError, match="must be free for a study"):
        late.run()


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def test_a_damaged_run_is_run_again_and_a_damaged_model_fitted_again(tmp_path):
    first = transfer_study(tmp_path, *domains(), **SHORT).run()
    kept = weights(tmp_path / "out")
    runs = sorted((tmp_path / "out" / "runs").glob("*.safetensors"))
    for run in runs[::2]:
        flipped(run)
    for model in (tmp_path / "out" / "models").glob("*/*.safetensors"):
        flipped(model)
    again = transfer_study(tmp_path, *domains(), resume=True, **SHORT).run()
    assert {line.method: line.scores for line in again.lines} == {
        line.method: line.scores for line in first.lines
    }
    assert weights(tmp_path / "out") == kept


def test_a_model_damaged_before_it_ships_is_fitted_again(tmp_path, monkeypatch):
    from fourfold.study import study as module

    conclude = module.conclude

    def damage(*given, **settings):
        for model in (tmp_path / "out" / "models").glob("*/*.safetensors"):
            flipped(model)
        return conclude(*given, **settings)

    monkeypatch.setattr(module, "conclude", damage)
    result = transfer_study(tmp_path, *domains(), **SHORT).run()
    best = load(tmp_path / "out" / "best")
    assert type(best).__name__ in result.shipped


def test_a_run_is_not_taken_for_another(tmp_path):
    first = transfer_study(tmp_path, *domains(), **SHORT).run()
    one, other = sorted((tmp_path / "out" / "runs").glob("*.safetensors"))[:2]
    one.write_bytes(other.read_bytes())
    again = transfer_study(tmp_path, *domains(), resume=True, **SHORT).run()
    assert {line.method: line.scores for line in again.lines} == {
        line.method: line.scores for line in first.lines
    }


def test_what_the_mark_says_is_damaged_is_as_unknown(tmp_path):
    transfer_study(tmp_path, *domains(), **SHORT).run()
    mark = tmp_path / "out" / "study.json"
    assert len(json.loads(mark.read_text())["data"]) == 32
    mark.write_text("{")
    other = [FineTune(recipe=Recipe(epochs=1, min_steps=2))]
    assert transfer_study(tmp_path, *domains(), resume=True, methods=other, seeds=1).run().shipped
