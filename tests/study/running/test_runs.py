"""Runs: which there are, what their keys depend on, and what is read again."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, MultiTask, Recipe, Runtime
from fourfold.study.running.runs import in_turn, list_runs
from study.samples import domains, tasks, tasks_study, transfer_study

QUICK = {"Linear", "KernelSVM", "TargetBoosted"}
"""Baselines without a recipe."""


def keys(study):
    context = study._context()
    return {
        (run.method, run.seed, run.split, *run.held): context.key(run)
        for run in list_runs(study.questions, range(study.seeds))
    }


def test_quick_methods_come_first_and_source_models_are_trained_before_they_are_waited_for(
    tmp_path,
):
    study = transfer_study(tmp_path, *domains(), methods=["FineTune", "L2SP"])
    listed = list(list_runs(study.questions, range(1, 3)))
    runs = in_turn(listed)
    assert sorted(map(id, runs)) == sorted(map(id, listed))
    order = [(run.method, run.seed) for run in runs if run.method not in QUICK]
    assert {run.method for run in runs[: len(runs) - len(order)]} == QUICK
    (method, _), (again, _) = order[:2]
    assert method == again
    assert order[:2] == [(method, 1), (method, 2)]
    free = [name for name, _ in order if name in {"RandomColumn", "TargetOnly"}]
    assert [name for name, _ in order[2 : 2 + len(free)]] == free


def test_a_joint_run_answers_all_questions(tmp_path):
    runs = list(list_runs(tasks_study(tmp_path).questions, range(2)))
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)
    whole = [run for run in runs if run.split is None]
    assert all(not held.size for run in whole for held in run.held.values())
    assert {run.seed for run in whole} == {0}  # folds judge, so one seed is enough to ship
    joint = [run for run in runs if isinstance(run.estimator, MultiTask)]
    assert all(list(run.held) == list(tasks()) for run in joint)
    assert all(len(run.held) == 1 for run in runs if run not in joint)
    assert len(runs) == (1 + 3 * 4) * (1 + 2 * 2)  # joint, baselines of three tasks; whole, folds


def test_folds_of_the_first_seed_choose_where_other_rows_judge(tmp_path):
    source, target, evaluate = domains()
    judged = list_runs(transfer_study(tmp_path, source, target, evaluate).questions, range(2))
    assert {(run.seed, run.split) for run in judged} == {(0, None), (0, 0), (0, 1), (1, None)}
    alone = list_runs(transfer_study(tmp_path, source, target).questions, range(2))
    assert {(run.seed, run.split) for run in alone} == {(0, None), (0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_run_is_its_seed_split_data_and_runtime(tmp_path):
    """Only what a run depends on changes its key: all, some, or none of them."""
    source, target, evaluate = domains()
    few = Domain(evaluate.rows.subset(np.arange(100)), evaluate.y[:100])
    given = {"methods": ["FineTune"], "seeds": 1}
    before = keys(transfer_study(tmp_path, source, target, evaluate, **given))
    same = keys(transfer_study(tmp_path / "b", source, target, evaluate, **given, jobs=2))
    assert same == before
    rolled = Domain(target.rows, np.roll(target.y, 1), name="target")
    changes = {
        "target": transfer_study(tmp_path, source, rolled, evaluate, **given),
        "recipe": transfer_study(
            tmp_path, source, target, evaluate, **given, recipe=Recipe(epochs=4, min_steps=30)
        ),
        "threads": transfer_study(tmp_path, source, target, evaluate, **given, threads=2),
    }
    for name, changed in changes.items():
        kept = {run[0] for run, key in keys(changed).items() if key in before.values()}
        assert kept == (QUICK if name == "recipe" else set()), name  # they have none
    judged = keys(transfer_study(tmp_path, source, target, few, **given))
    assert all((judged[run] == before[run]) == (run[2] is not None) for run in before)
    more = keys(transfer_study(tmp_path, source, target, evaluate, methods=["FineTune"], seeds=2))
    assert before.items() <= more.items()
    assert len(set(more.values())) == len(more)


def test_precision_is_part_of_a_run_and_what_is_shown_is_not(tmp_path):
    study = transfer_study(tmp_path, *domains(), methods=["FineTune"], seeds=1)
    before = keys(study)
    with Runtime(progress=True, checkpoint_every=1.0):
        assert keys(study) == before
    with Runtime(precision="bf16-mixed"):
        assert not set(keys(study).values()) & set(before.values())


def test_a_run_is_finished_with_its_outcomes_and_its_model(tmp_path):
    study = transfer_study(tmp_path, *domains(), methods=["FineTune"], seeds=1)
    study.run()
    context, runs = study._context(), list(list_runs(study.questions, range(1)))
    assert all(context.finished(run, context.key(run)) for run in runs)
    shipped = next(run for run in runs if run.ships and run.method == "FineTune")
    key = context.key(shipped)
    context.model(shipped).with_name("FineTune.run").unlink()
    assert context.finished(shipped, key) is None
    split = next(run for run in runs if run.split is not None)
    context.path("target", context.key(split)).write_bytes(b"cut short")
    assert context.finished(split, context.key(split)) is None


@pytest.mark.parametrize("labels", ["true", "none"])
def test_no_fit_sees_a_label_to_evaluate_on(tmp_path, labels):
    source, target, evaluate = domains()
    study = transfer_study(tmp_path, source, target, evaluate if labels == "true" else None)
    data = study._context().data["target"]
    assert (data.evaluate is None) == (labels == "none")
    assert data.evaluate is None or data.evaluate.n_labelled == 0
