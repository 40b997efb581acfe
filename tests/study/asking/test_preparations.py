"""A study prepares the inputs of baselines without transfer by the target alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from contract import blobs, same_bits
from fourfold import Domain, MultiTask, Recipe, load
from fourfold.preparation.choose import Standardize, TablePreparation, TableViews
from fourfold.study.question import ask_tasks, ask_transfer
from study.samples import options, transfer_study, weights

DATA = blobs(rows=45)
S, X, Y = DATA.source.rows.sample(1000), DATA.X, DATA.y
SHORT = Recipe(epochs=1, min_steps=4)

CELLS = {"finetuning": (DATA.source.y, Y), "selftaught": (None, Y), "clustering": (None, None)}


def ask(source, target, **given):
    asked = options(recipe=SHORT, clusters=None if target.n_labelled else 3, **given)
    return ask_transfer([source], target, None, options=asked, title="")


@pytest.mark.parametrize("cell", CELLS)
def test_baselines_answer_as_without_a_source(cell):
    labels, y = CELLS[cell]
    target, found = Domain(np.abs(X), y), []
    for factor in (1, -1000):
        question = ask(Domain(factor * S, labels), target)
        assert question.placement.cell == cell
        alone = {n: m for n, m in question.candidates.items() if not m.uses_source}
        assert {"Linear", "KMeansClustering"} & set(alone)
        for name, method in alone.items():
            beside = clone(method).fit(target, source=list(question.sources)).outputs(X[:9])
            free = clone(method).set_params(prepare=None).fit(target).outputs(X[:9])
            assert same_bits(beside, free), name
            found.append((name, beside))
    half = len(found) // 2
    for (name, one), (_, other) in zip(found[:half], found[half:], strict=True):
        assert same_bits(one, other), name


def test_each_of_several_tasks_is_learnt_alone_by_its_own_preparation():
    tasks = {"a": Domain(X, Y), "b": Domain(1000 * S, DATA.source.y)}
    asked = options(recipe=SHORT, methods=[MultiTask()])
    for name, question in ask_tasks(tasks, dict.fromkeys(tasks), options=asked).items():
        own = question.candidates["Linear"].prepare.estimator
        assert own.digest == Standardize().fit(tasks[name].rows).digest
        shared = question.candidates["MultiTask"].prepare.estimator
        assert shared.digest == question.preparation.digest != own.digest


def test_a_preparation_of_the_users_is_fitted_to_the_target_alone_too():
    source, target = Domain(1000 * S, DATA.source.y), Domain(X, Y)
    own = ask(source, target, prepare=Standardize()).candidates["Linear"].prepare.estimator
    assert own.digest == Standardize().fit(target.rows).digest


def test_methods_of_transfer_share_one_preparation_of_all_domains():
    question = ask(Domain(1000 * S, DATA.source.y), Domain(X, Y))
    shared = [m.prepare for m in question.candidates.values() if m.uses_source]
    assert len({id(one) for one in shared}) == 1
    assert shared[0].estimator is question.preparation


def test_as_many_random_columns_as_sources():
    both = [Domain(S, DATA.source.y), Domain(2 * S, DATA.source.y)]
    question = ask_transfer(both, Domain(X, Y), None, options=options(), title="")
    assert question.candidates["RandomColumn"].columns == 2
    assert ask(both[0], Domain(X, Y)).candidates["RandomColumn"].columns is None


def test_a_target_that_cannot_be_prepared_alone_fails_in_its_baselines_only():
    source = pd.DataFrame(
        {"n": np.arange(90.0) ** 2, "t": [f"many words {i} here" for i in range(90)]}
    )
    words = [f"- ! ? {'.' * i}" for i in range(30)]  # text, of no word
    target = pd.DataFrame({"n": np.arange(30.0) ** 2, "t": words})
    question = ask(Domain(source, [0, 1] * 45), Domain(target, [0, 1] * 15))
    assert isinstance(question.candidates["FineTune"].prepare, FrozenEstimator)
    assert isinstance(question.candidates["Linear"].prepare, TablePreparation)


# --- labels --------------------------------------------------------------------------------------

CAPPED = TablePreparation(max_categories=4)


def shops(n, seed, labelled=True):
    """Draw rows of shops that decide the label."""
    rng = np.random.default_rng(seed)
    shop = rng.integers(0, 20, n)
    frame = pd.DataFrame(
        {"shop": [f"{'abcdefghijklmnopqrst'[i]} street" for i in shop], "x": rng.normal(size=n)}
    )
    return Domain(frame, shop * 7 % 20 % 2 if labelled else None)


def test_what_learns_from_labels_is_fitted_inside_each_fit():
    question = ask(shops(90, 0), shops(60, 1), prepare=CAPPED)
    kinds = {name: type(m.prepare) for name, m in question.candidates.items()}
    assert {kinds[name] for name in ("FineTune", "Linear", "Pooled")} == {TablePreparation}
    assert {kinds[name] for name in ("TargetBoosted", "Pooled boosting")} == {TableViews}
    assert {*kinds.values()} == {TablePreparation, TableViews}
    assert question.preparation.means_ is None  # its features are plotted
    assert [note.split()[0] for note in question.notes] == ["Column", "Columns"]
    wide = ask(shops(90, 0), shops(60, 1), prepare=TablePreparation())
    assert all(isinstance(m.prepare, FrozenEstimator) for m in wide.candidates.values())
    assert not wide.notes


def test_nothing_is_fitted_anew_where_there_are_no_labels():
    question = ask(shops(90, 0, labelled=False), shops(60, 1, labelled=False), prepare=CAPPED)
    assert all(isinstance(m.prepare, FrozenEstimator) for m in question.candidates.values())
    assert [note.split()[0] for note in question.notes] == ["Column"]


def test_a_baselines_preparation_learns_from_the_targets_labels_alone():
    source, target = shops(90, 0, labelled=False), shops(60, 1)
    found = [
        ask(one, target, prepare=CAPPED).candidates["Linear"].fit(target, source=one)
        for one in (source, shops(90, 2))
    ]
    assert found[0].prepare_.means_ is not None
    assert found[0].prepare_.digest == found[1].prepare_.digest


@pytest.mark.parametrize("labelled", [True, False], ids=["labelled source", "unlabelled source"])
def test_hidden_labels_change_no_fitted_preparation(labelled):
    source, target = shops(90, 0, labelled=labelled), shops(60, 1)
    held = np.arange(0, 60, 3)
    lies = target.y.copy()
    lies[held] = 1 - lies[held]
    digests = []
    for y in (target.y, lies):
        question = ask(source, Domain(target.rows, y), prepare=CAPPED)
        split = question.protocol.splits.apply(held)
        names = ["Linear", "FineTune" if labelled else "LinearPCA"]
        methods = [clone(question.candidates[name]) for name in names]
        fits = [method.fit(split.target, source=split.sources) for method in methods]
        assert all(model.prepare_.means_ is not None for model in fits)
        digests.append([model.prepare_.digest for model in fits])
    assert digests[0] == digests[1]


def test_evaluation_labels_change_no_fitted_preparation(tmp_path):
    source, target, evaluate = shops(60, 0), shops(40, 1), shops(40, 2)
    given = {"methods": ["FineTune"], "seeds": 1, "prepare": CAPPED, "recipe": SHORT}
    for name, y in (("true", evaluate.y), ("false", 1 - evaluate.y)):
        data = (source, target, Domain(evaluate.rows, y))
        transfer_study(tmp_path / name, *data, **given, allow_overlap=True).run()
    models = [weights(tmp_path / name) for name in ("true", "false")]
    assert models[0] == models[1]
    assert any("arrays.safetensors" in name for name in models[0])
    assert load(tmp_path / "true" / "out" / "best").prepare_.means_ is not None
