"""Candidates: their names, and the study's defaults where an estimator takes them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator

from fourfold import Domain, FineTune, Mlp, MultiTask, ProgressiveNetwork, Recipe
from fourfold.core.parameters import Parameters, PositiveInt
from fourfold.methods.finetuning.recalibrated import Recalibrated
from fourfold.planner import locate, locate_tasks
from fourfold.preparation.choose import Standardize
from fourfold.study.candidates import (
    _apply_defaults,
    changed_parameters,
    joint_candidates,
    transfer_candidates,
)
from fourfold.study.running.runs import Run
from study.samples import domains, tasks

DEFAULTS = {"network": Mlp(hidden_layer_sizes=(8,)), "recipe": Recipe(epochs=3)}
BASELINES = ("TargetOnly", "Linear", "KernelSVM", "TargetBoosted")


def candidates(methods, defaults=DEFAULTS, prepare=None):
    source, target, _ = domains()
    return transfer_candidates(methods, locate([source], target), defaults, {}, prepare)


def test_baselines_come_first_and_once():
    named = candidates(["TargetOnly", FineTune(), FineTune(probe_first=True)])
    assert list(named) == [*BASELINES, "FineTune", "FineTune-2"]
    assert named["FineTune-2"].probe_first


def test_defaults_are_for_those_that_have_no_value_of_their_own():
    own = FineTune(network=Mlp(hidden_layer_sizes=(4,)), recipe=Recipe(epochs=1))
    named = candidates([own, FineTune()])
    for name, sizes, epochs in (("FineTune", (4,), 1), ("FineTune-2", (8,), 3)):
        assert named[name].network.hidden_layer_sizes == sizes
        assert named[name].recipe.epochs == epochs
    assert own.network.hidden_layer_sizes == (4,)


def test_baselines_without_transfer_have_defaults_of_their_own():
    both, own = FrozenEstimator(Standardize()), FrozenEstimator(Standardize())
    named = candidates([FineTune(), "SourceOnly"], {}, lambda m: both if m.uses_source else own)
    baselines = dict.fromkeys(BASELINES, own)
    wanted = {**baselines, "FineTune": both, "SourceOnly": both}
    assert {name: one.prepare for name, one in named.items()} == wanted


def test_a_name_stands_for_all_variants_and_an_estimator_for_itself():
    named = candidates(["Pooled", Recalibrated(base="boosting")])
    assert list(named) == [*BASELINES, "Pooled", "Pooled boosting", "Recalibrated boosting"]
    assert (named["Pooled"].base, named["Pooled boosting"].base) == ("linear", "boosting")


def test_a_mapping_changes_each_methods_own_recipe():
    named = candidates(["FineTune"], {"recipe": {"steps": 7}})
    wanted = FineTune.default_recipe.but(steps=7)
    assert named["FineTune"].recipe.get_params() == wanted.get_params()


def test_an_estimator_is_given_only_what_its_fields_take():
    """One without a network, or that takes no builder, is left as it is, without a word."""

    class Forest(Parameters):
        trees: PositiveInt = 10
        network: None = None

    estimator = Forest()
    _apply_defaults(estimator, {**DEFAULTS, "prepare": FrozenEstimator(Standardize())})
    assert estimator.network is None
    assert estimator.get_params() == {"trees": 10, "network": None}


def test_joint_methods_are_named_by_their_options():
    data = {name: Domain(d.rows, d.y) for name, d in tasks().items()}
    methods = [MultiTask(), MultiTask(balance="uncertainty"), MultiTask(recipe=Recipe(epochs=1))]
    named = joint_candidates(methods, locate_tasks(data), data, DEFAULTS)
    assert list(named) == ["MultiTask", "MultiTask uncertainty", "MultiTask-2"]


def test_diagnostics_are_measured_by_the_shipped_run_alone():
    held = {"target": np.empty(0, np.intp)}
    plain = Run("F", FineTune(), 0, None, held).unfitted()
    assert plain.get_params(deep=False) == FineTune(random_state=0).get_params(deep=False)
    runs = [
        Run("P", ProgressiveNetwork(), seed, split, held) for seed in (0, 1) for split in (None, 0)
    ]
    assert [run.unfitted().measure for run in runs] == [True, False, False, False]
    assert [run.unfitted().random_state for run in runs] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("estimator", "changed"),
    [(FineTune(), {}), (FineTune(probe_first=True), {"probe_first": "True"})],
)
def test_changed_parameters_are_named(estimator, changed):
    assert changed_parameters(estimator) == changed
