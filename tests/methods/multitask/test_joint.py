"""A model of several tasks is asked for one, saved, exported and taken apart."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.torch import load_file
from torch import nn

from fourfold import MultiTask, cut, load, save
from fourfold.bundle import export
from fourfold.errors import ParameterError
from fourfold.frozen.onnx import session
from methods.multitask.tasks import NET, SHORT, bits, different, mixed, rows


def test_an_unknown_task_is_refused_and_the_known_ones_are_named():
    model = MultiTask(network=NET, recipe=SHORT).fit(mixed())
    for ask in (model.predict, model.outputs, model.embed, model.predict_proba):
        with pytest.raises(ParameterError, match=r"one of 'kind', 'size', 'has'; got 'colour'"):
            ask(rows(), task="colour")
    with pytest.raises(ParameterError, match="'size' must have classes for probabilities"):
        model.predict_proba(rows(), task="size")


def test_saved_and_loaded(tmp_path):
    model = MultiTask(network=NET, recipe=SHORT, balance="uncertainty").fit(mixed())
    loaded = load(save(model, tmp_path / "model"))
    assert list(loaded.members_) == list(mixed())
    assert bits(loaded, rows(7), *mixed()) == bits(model, rows(7), *mixed())
    assert loaded.findings_ == model.findings_
    assert loaded.history_ == model.history_
    kept = load(save(loaded, tmp_path / "again"))
    assert bits(kept, rows(7), *mixed()) == bits(model, rows(7), *mixed())


def test_a_cut_network_is_saved_and_loaded(tmp_path):
    layers = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4))
    model = MultiTask(network=cut(layers, "1", engine="torch"), recipe=SHORT).fit(mixed())
    folder = save(model, tmp_path / "model")
    assert len(list(folder.glob("*/frozen.onnx"))) == 1
    for name in mixed():
        wanted = model.outputs(rows(7), task=name)
        np.testing.assert_allclose(load(folder).outputs(rows(7), task=name), wanted, atol=1e-5)


def test_a_shared_body_is_saved_once(tmp_path):
    model = MultiTask(network=NET, recipe=SHORT).fit(mixed())
    folder = save(model, tmp_path / "model")
    names = [set(load_file(f)) for f in sorted(folder.glob("task-*/weights.safetensors"))]
    assert names[1] == names[2] == {"weight", "bias"}
    loaded = load(folder)
    assert loaded.of("kind").model_.body is loaded.of("has").model_.body


def test_a_users_network_is_needed_to_train_on(tmp_path):
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU())
    model = MultiTask(network=network, recipe=SHORT).fit(mixed())
    folder = save(model, tmp_path / "model")
    wanted = model.outputs(rows(7), task="has")
    np.testing.assert_allclose(load(folder).outputs(rows(7), task="has"), wanted, atol=1e-5)
    with pytest.raises(ParameterError, match="brings it"):
        load(folder).fit(mixed())
    again = load(folder, network=network).fit(mixed())
    assert bits(again, rows(7), "kind") == bits(model, rows(7), "kind")


def test_one_task_is_an_estimator_like_any_other(tmp_path):
    model = MultiTask(share="middle", recipe=SHORT).fit(different())
    X = different()["pictures"].rows
    alone = load(save(model.of("pictures"), tmp_path / "alone"))
    assert np.array_equal(alone.outputs(X), model.outputs(X, task="pictures"))
    again = alone.fit(different()["pictures"])  # now it learns by itself
    assert again.score(X, different()["pictures"].y) > 0.1


@pytest.mark.parametrize(
    ("share", "name", "output"),
    [("input", "size", "values"), ("middle", "pictures", "probabilities")],
)
def test_a_task_is_exported_by_itself(tmp_path, share, name, output):
    model = MultiTask(share=share, recipe=SHORT).fit(mixed() if share == "input" else different())
    path = tmp_path / "task.onnx"
    assert export(model, path, task=name) < 1e-3
    assert [given.name for given in session(path).get_outputs()] == [output]
    with pytest.raises(ParameterError, match="task must be named"):
        export(model, path)
    with pytest.raises(ParameterError, match="task must be one of"):
        export(model, path, task="other")
    with pytest.raises(ParameterError, match="task must be None for a model of a single task"):
        export(model.of(name), path, task=name)
