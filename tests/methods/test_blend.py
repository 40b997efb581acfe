"""A blend is an estimator like any other: saved, loaded, exported, and the mean of its members."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from sklearn.base import clone

from fourfold import Domain, KernelSVM, Linear, Recipe, SourceOnly, TargetOnly, export, load, save
from fourfold.algorithms.calibration import Calibration
from fourfold.errors import DataError, ParameterError
from fourfold.methods.blend import Blend

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((60, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
NAMES = ["Linear", "KernelSVM", "SourceOnly"]
SHORT = Recipe(epochs=1, min_steps=5)


def blend(**options):
    members = (Linear(), KernelSVM(), SourceOnly(recipe=SHORT))
    return Blend(members=members, weights=(1.0, 2.0, 1.0), **options)


@pytest.fixture(scope="module")
def fitted():
    return blend(scale="probabilities").fit(X, Y, source=Domain(X + 0.1, Y))


def test_probabilities_are_averaged_by_weights(fitted):
    each = [member.predict_proba(X) for member in fitted.members]
    wanted = (each[0] + 2 * each[1] + each[2]) / 4
    np.testing.assert_allclose(fitted.predict_proba(X), wanted, atol=1e-5)
    found = fitted.findings_[0]
    assert found.title == "Weights of the blend, on probabilities"
    assert found.names == [NAMES[1], NAMES[0], NAMES[2]]
    assert found.notes == ["0.50", "0.25", "0.25"]
    assert fitted.score(X, Y) > 0.9
    assert fitted.embed(X).shape == fitted.members[1].embed(X).shape


def test_it_is_saved_and_loaded_as_one_bundle(fitted, tmp_path):
    save(fitted, tmp_path / "blend")
    same = load(tmp_path / "blend")
    np.testing.assert_array_equal(same.outputs(X), fitted.outputs(X))
    assert [type(member) for member in same.members] == [Linear, KernelSVM, SourceOnly]
    again = clone(same).fit(X, Y, source=Domain(X + 0.1, Y))
    np.testing.assert_allclose(again.outputs(X), fitted.outputs(X), rtol=1e-5, atol=1e-6)


def test_it_is_exported_as_one_file(fitted, tmp_path):
    assert export(fitted, tmp_path / "blend.onnx") < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "blend.onnx")
    (p,) = session.run(["probabilities"], {"input": fitted.onnx_input(X[:7])})
    np.testing.assert_allclose(p, fitted.predict_proba(X[:7]), atol=1e-4)


def test_members_of_a_table_prepare_it_each_by_itself(tmp_path):
    frame = pd.DataFrame({"a": X[:, 0], "b": np.where(X[:, 1] > 0, "yes", "no")})
    source = Domain(frame.assign(a=frame["a"] * 3), Y)
    model = Blend(members=(Linear(), SourceOnly(recipe=SHORT))).fit(frame, Y, source=source)
    assert export(model, tmp_path / "blend.onnx") < 1e-4
    assert len({member.prepare_.digest for member in model.members}) == 2
    session = onnxruntime.InferenceSession(tmp_path / "blend.onnx")
    assert [given.name for given in session.get_inputs()] == ["a", "b"]
    (p,) = session.run(None, model.onnx_input(frame))
    np.testing.assert_allclose(p, model.predict_proba(frame), atol=1e-5)


def test_numbers_are_averaged_in_the_users_units(tmp_path):
    y = X @ [1.0, 2.0, 0.0, 0.0] * 100 + 50
    model = Blend(members=(Linear(), KernelSVM())).fit(X, y)
    each = [member.predict(X) for member in model.members]
    np.testing.assert_allclose(model.predict(X), np.mean(each, axis=0), rtol=1e-4)
    assert export(model, tmp_path / "blend.onnx") < 1e-4


def test_a_calibration_is_kept_and_exported(tmp_path):
    model = Blend(members=(Linear(), TargetOnly(recipe=SHORT))).fit(X, Y)
    before = model.outputs(X)
    model.fitted_ = replace(model.fitted_, calibration=Calibration(0.5, 1.0))
    np.testing.assert_allclose(model.outputs(X), Calibration(0.5, 1.0).apply(before), rtol=1e-6)
    save(model, tmp_path / "blend")
    np.testing.assert_array_equal(load(tmp_path / "blend").outputs(X), model.outputs(X))
    assert export(model, tmp_path / "blend.onnx") < 1e-4


@pytest.mark.parametrize(
    ("members", "weights", "must"),
    [
        ((), None, "one method at least"),
        ((Linear(),), (1.0, 2.0), "one for each of 1 members"),
        ((Linear(), KernelSVM()), (1.0, -1.0), "0 or more"),
        ((Linear(), KernelSVM()), (0.0, 0.0), "not all 0"),
    ],
)
def test_members_and_weights_must_go_together(members, weights, must):
    with pytest.raises(ParameterError, match=must):
        Blend(members=members, weights=weights).fit(X, Y)


def test_members_must_answer_for_the_same_labels():
    two, three = Linear().fit(X, Y), Linear().fit(X, np.arange(60) % 3)
    with pytest.raises(DataError, match="same classes"):
        Blend(members=(Linear(), Linear())).of([two, three])
