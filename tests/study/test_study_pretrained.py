"""Studies in which a trained network is the source, or stands below the methods."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold import Domain, FineTune, Recipe, Study, export, load, save
from fourfold.errors import DataError, ParameterError
from fourfold.frozen.onnx import export_onnx
from fourfold.frozen.store import Store
from fourfold.networks import Pretrained
from fourfold.study.choice.standing import trusted
from small_networks import drawings, folder, opinions

pytest.importorskip("transformers", reason="transformers come with 'text'")

FEW, SOURCE = Domain(*opinions(12), name="few"), Domain(*opinions(24, seed=2), name="many")
TEST = Domain(*opinions(30, seed=1))


def network(kind="bert"):
    return Pretrained(name=f"hf:{folder(kind)}", max_tokens=48 if kind == "bert" else None)


def study(tmp_path, source, target=FEW, evaluate=TEST, **options):
    given = {"seeds": 1, "jobs": 1, "recipe": {"steps": 3}, "progress": False, **options}
    return Study(
        source,
        target,
        evaluate,
        output=tmp_path / "study",
        store=Store(tmp_path / "store"),
        **given,
    )


def test_without_a_source_the_network_is_the_source(tmp_path):
    made = study(tmp_path, None, network=network(), methods=["FineTune", "LinearProbe"])
    result = made.run()
    found = {row.method: row for row in result.lines}
    assert not [row.error for row in found.values() if row.error]
    assert {"FineTune", "LinearProbe", "TargetOnly", "Linear"} <= found.keys()
    assert result.title == f"{network().name} → few"
    (question,) = made.questions.values()
    kinds = {n: type(e.prepare.estimator).__name__ for n, e in question.candidates.items()}
    assert kinds["FineTune"] == kinds["TargetOnly"] == "Tokens"
    assert kinds["Linear"] == "WordCounts"
    model = load(tmp_path / "study" / "models" / "FineTune")
    assert export(model, tmp_path / "model.onnx") < 1e-4
    assert (tmp_path / "model.tokenizer.json").exists()
    assert load(tmp_path / "study" / "models" / "TargetOnly").recipe.learning_rate == 1e-3
    assert model.recipe.learning_rate == network().recipe.learning_rate


def test_by_default_long_trainings_that_hardly_differ_are_left_out(tmp_path):
    (question,) = study(tmp_path, SOURCE, network=network()).questions.values()
    assert {"FineTune", "JointTraining", "LinearProbe", "SourceOnly"} <= question.candidates.keys()
    assert not {"LayerTransfer", "L2SP", "KLAdaptation"} & question.candidates.keys()
    assert trusted(question) == {"JointTraining", "LinearProbe"}


def test_a_saved_model_is_a_source(tmp_path):
    save(FineTune(recipe=Recipe(steps=2)).fit(SOURCE, source=network()), tmp_path / "model")
    source = load(tmp_path / "model")
    result = study(tmp_path, source, methods=["FineTune"]).run()
    assert {row.method: row.error for row in result.lines}["FineTune"] == ""


def test_a_module_is_a_source(tmp_path):
    x, y = drawings(24)
    pictures = np.moveaxis(x, -1, 1).astype(np.float32) / 255
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 22 * 22, 5))
    target, evaluate = Domain(pictures[:12], y[:12]), Domain(pictures[12:], y[12:])
    result = study(tmp_path, module, target, evaluate, methods=["FineTune"]).run()
    assert not [row.error for row in result.lines if row.error]


def test_what_does_not_fit_is_refused_before_training(tmp_path):
    with pytest.raises(ParameterError, match=r"bring the network as network=... beside the data"):
        study(tmp_path, [SOURCE, network()])
    with pytest.raises(ParameterError, match="network must be left out where a trained one"):
        study(tmp_path, network(), network="mlp")
    with pytest.raises(DataError, match="must have labels where a trained network is the source"):
        study(tmp_path, None, FEW.unlabelled(), network=network())
    with pytest.raises(ParameterError, match=r"a pretrained network, network=.*may be the source"):
        study(tmp_path, None, network=Pretrained(name=network().name, weights=None))
    with pytest.raises(ParameterError, match="Rehearsal does not: the source is a trained network"):
        study(tmp_path, None, network=network(), methods=["Rehearsal"])
    with pytest.raises(DataError, match="must get pictures; got texts"):
        study(tmp_path, None, network=network("vit"))


def test_an_onnx_encoder_stands_below_the_methods(tmp_path):
    x, y = drawings(36)
    pictures = np.moveaxis(x, -1, 1).astype(np.float32) / 255
    encoder = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Flatten())
    export_onnx(encoder, torch.zeros(2, 3, 24, 24), tmp_path / "encoder.onnx")
    source, target, evaluate = (Domain(pictures[i::3], y[i::3]) for i in range(3))
    options = {"network": f"onnx:{tmp_path / 'encoder.onnx'}", "methods": ["LinearProbe"]}
    result = study(tmp_path, source, target, evaluate, **options).run()
    assert not [row.error for row in result.lines if row.error]
    options["methods"] = None
    (question,) = study(
        tmp_path / "default", source, target, evaluate, **options
    ).questions.values()
    assert trusted(question) == {"LinearProbe"}
    assert not {"JointTraining", "LayerTransfer", "L2SP"} & question.candidates.keys()
    with pytest.raises(ParameterError, match="must stand beside a source with data"):
        study(tmp_path, None, target, **options)
    with pytest.raises(ParameterError, match="must be followed by a file; got 'none'"):
        study(tmp_path, source, target, network="onnx:none")
