"""Execution: fits in the study's runtime, here and in other processes."""

from __future__ import annotations

import pickle

import numpy as np
import torch

from fourfold import MultiTask, Runtime, Store, TargetOnly
from fourfold.estimators.joint import JointEstimator
from fourfold.frozen.store import active
from fourfold.study.running.execution import execute, execute_all
from fourfold.study.running.progress import FitProgress
from fourfold.study.running.runs import list_runs
from fourfold.training.runtime import current
from study.samples import domains, tasks, tasks_study, transfer_study


def test_runs_travel_to_other_processes(tmp_path):
    planned = tasks_study(tmp_path, seeds=1)
    context, runs = planned._context(), list_runs(planned.questions, range(1))
    joint = next(run for run in runs if isinstance(run.estimator, JointEstimator))
    key = context.key(joint)
    there = pickle.loads(pickle.dumps((joint, context)))  # noqa: S301  our own
    here, elsewhere = execute(joint, context, key), execute(*there, key)
    assert there[1].key(there[0]) == key
    for name in tasks():
        outputs, others = here[name].outputs, elsewhere[name].outputs
        assert outputs.keys() == others.keys()
        assert all(np.array_equal(outputs[key], others[key]) for key in outputs)


def test_a_fit_runs_in_the_studys_runtime(tmp_path, monkeypatch):
    """Its precision is the caller's; threads, store and checkpoints are the study's."""
    seen = {}

    def watched(self, target, *, source):  # noqa: ARG001
        runtime = current()
        seen.update(
            precision=runtime.precision, checkpoints=runtime.checkpoints, store=active().path,
            threads=torch.get_num_threads(),
        )  # fmt: skip
        raise ValueError("seen enough")

    study = transfer_study(tmp_path, *domains(), methods=["FineTune"], seeds=1, threads=2)
    monkeypatch.setattr(TargetOnly, "fit", watched)
    with Runtime(precision="bf16-mixed", threads=1):
        context = study._context()
        run = next(
            run for run in list_runs(study.questions, range(1)) if run.method == "TargetOnly"
        )
        key = context.key(run)
        [failure] = execute(run, context, key).values()
    assert failure.error == "ValueError: seen enough"
    assert seen == {
        "precision": "bf16-mixed",
        "checkpoints": tmp_path / "out" / "runs" / f"{key}.checkpoint",
        "store": tmp_path / "store",
        "threads": 2,
    }
    assert active() is None


def test_a_store_of_the_runtime_is_the_studys(tmp_path):
    with Runtime(store=Store(tmp_path / "other")):
        study = transfer_study(tmp_path, *domains(), methods=["FineTune"], store=None)
    assert study.store.path == tmp_path / "other"


def test_a_method_that_cannot_run_fails_on_every_question(tmp_path, monkeypatch):
    study = tasks_study(tmp_path, seeds=1)

    def broken(*_args):
        raise ZeroDivisionError("it is broken")

    monkeypatch.setattr(MultiTask, "_fit", broken)
    runs = [run for run in list_runs(study.questions, range(1)) if run.method == "MultiTask"]
    bar = FitProgress(on=False)
    for outcomes in execute_all(runs, study._context(), bar, resume=False, jobs=1):
        assert {failure.error for failure in outcomes.values()} == {
            "ZeroDivisionError: it is broken"
        }
        assert list(outcomes) == list(tasks())
