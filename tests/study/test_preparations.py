"""A study prepares the inputs of baselines without transfer by the target alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from contract import blobs, same_bits
from fourfold import Domain, MultiTask, Recipe
from fourfold.preparation.choose import Standardize, TablePreparation
from fourfold.study.question import ask_tasks, ask_transfer
from study.samples import options

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
    source = pd.DataFrame({"n": np.arange(90.0), "t": [f"many words {i} here" for i in range(90)]})
    words = [f"- ! ? {'.' * i}" for i in range(30)]  # text, of no word
    target = pd.DataFrame({"n": np.arange(30.0), "t": words})
    question = ask(Domain(source, [0, 1] * 45), Domain(target, [0, 1] * 15))
    assert isinstance(question.candidates["FineTune"].prepare, FrozenEstimator)
    assert isinstance(question.candidates["Linear"].prepare, TablePreparation)
