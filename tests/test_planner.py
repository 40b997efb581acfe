"""The map says where somebody stands, what applies there, and why the rest does not."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from fourfold import Domain
from fourfold.errors import DataError
from fourfold.estimators.contracts import Needs
from fourfold.estimators.transfer import TransferEstimator
from fourfold.methods import BASELINES, cells, table
from fourfold.planner import locate, locate_tasks

NAMES = list(cells())


def pile(y=None, n=6, **options):
    return Domain(np.arange(2.0 * n).reshape(n, 2), y, **options)


FULL = [0, 1, 2, 0, 1, 2]
SOME = [0, -1, 2, -1, -1, -1]
OTHER = [7, 8, 9, 7, 8, 9]
DESCRIBED = {"classes": {7: "striped", 8: "spotted", 9: "plain"}}
KNOWN = {"classes": {0: "red", 1: "green", 2: "blue"}}
BOTH = {"classes": DESCRIBED["classes"] | KNOWN["classes"]}

ROWS = {
    # case: (source, target, where, what applies)
    "few labels": (
        pile(FULL),
        pile(SOME),
        "finetuning",
        {"finetuning", "progressive", "adaptation"},
    ),
    "all labels": (pile(FULL), pile(FULL), "finetuning", {"finetuning", "progressive"}),
    "other labels": (pile(FULL), pile(OTHER), "finetuning", {"finetuning", "progressive"}),
    "no target labels": (pile(FULL), pile(), "adaptation", {"adaptation"}),
    "described": (pile(FULL), pile(**DESCRIBED), "zeroshot", {"zeroshot"}),
    "described by the source": (pile(FULL, **BOTH), pile(), "zeroshot", {"zeroshot"}),
    "described, but known": (pile(FULL, **KNOWN), pile(), "adaptation", {"adaptation"}),
    "no source labels": (pile(), pile(FULL), "selftaught", {"selftaught"}),
    "no labels": (pile(), pile(), "clustering", {"clustering"}),
}


@pytest.mark.parametrize("case", ROWS)
def test_every_row_of_the_map(case):
    source, target, where, open_ = ROWS[case]
    plan = locate([source], target)
    assert plan.cell == where
    assert set(plan.open) == open_
    assert list(plan.reasons) == NAMES
    assert all(plan.reasons.values())
    ours = {entry.name: entry.cell for entry in table().values() if not entry.is_baseline}
    ours |= dict.fromkeys(cells()[plan.cell].also, plan.cell)
    assert set(plan.methods).isdisjoint(plan.skipped)
    assert set(plan.methods) | set(plan.skipped) >= set(ours)
    assert all(ours[name] in open_ for name in plan.methods)
    for name in ours.keys() - set(plan.methods):  # the cell is closed, or the method says why
        closed = plan.reasons[ours[name]]
        assert ours[name] not in open_ or plan.skipped[name] != closed
    assert set(plan.skipped) & set(ours) == set(ours) - set(plan.methods)
    assert not set(plan.baselines) & set(plan.skipped)


REASONS = [
    ("few labels", "finetuning", "both have labels, the target 2 of them"),
    ("few labels", "adaptation", "4 rows of the target without a label"),
    ("few labels", "selftaught", "the source has labels"),
    ("few labels", "clustering", "there are labels"),
    ("few labels", "zeroshot", "the classes are not described"),
    ("few labels", "multitask", "not tasks that all matter"),
    ("all labels", "adaptation", "every row of the target has its label"),
    ("no target labels", "finetuning", "the target has no labels"),
    ("no source labels", "finetuning", "the source has no labels"),
    ("no source labels", "adaptation", "the source has no labels"),
    ("no source labels", "selftaught", "only the target has labels"),
    ("described", "zeroshot", "classes are described that have no examples: 7, 8, 9"),
    ("described", "adaptation", "the source lacks classes of the target: 7, 8, 9"),
    ("described, but known", "zeroshot", "every class that is described has examples"),
    ("no labels", "clustering", "nothing has a label"),
    ("no labels", "selftaught", "the target has no labels"),
]


@pytest.mark.parametrize(("case", "cell", "reason"), REASONS)
def test_reasons(case, cell, reason):
    source, target, _, _ = ROWS[case]
    assert reason in locate([source], target).reasons[cell]


ALONE = ("TargetOnly", "Linear", "KernelSVM", "TargetBoosted")
AS_IT_IS = ("SourceOnly", "SourceLinear", "SourceSVM", "SourceBoosted")


def test_what_a_method_or_baseline_lacks_is_said():
    plan = locate([pile(FULL)], pile())
    assert "DANN" in plan.methods
    assert plan.baselines == AS_IT_IS
    assert plan.skipped["FineTune"] == "the target has no labels"
    assert plan.skipped["TargetOnly"] == "the target has no labels"
    plan = locate([pile(FULL)], pile(OTHER))
    assert "FineTune" in plan.methods
    assert "DANN" not in plan.methods
    assert plan.baselines == (*ALONE, "RandomColumn")
    assert plan.skipped["SourceOnly"] == "the source lacks classes of the target: 7, 8, 9"


def test_baselines_run_beside_every_method():
    plan = locate([pile(FULL)], pile(SOME))
    assert set(plan.baselines) == {*ALONE, "RandomColumn"}
    assert {"DANN", "FineTune"} <= set(plan.methods)


def test_beside_labels_a_study_tries_few_methods_of_adaptation():
    partly = locate([pile(FULL)], pile(SOME))
    assert "DANN" in partly.methods
    adapted = {"CORAL", "MCC", "SelfTraining", "SHOT"}
    assert {n for n in partly.tried() if table()[n].cell == "adaptation"} == adapted
    left = {n for n in partly.methods if table()[n].cell == "adaptation"} - adapted
    with_pretrained = {"CLAP", "Contrastive", "JointTraining", "LinearProbe"}
    assert set(partly.methods) - set(partly.tried()) == left | with_pretrained
    without = locate([pile(FULL)], pile())
    assert without.tried() == without.methods


def test_the_source_model_as_it_is_competes_where_the_target_has_labels():
    assert locate([pile(FULL)], pile(SOME)).methods[0] == "SourceOnly"
    assert "SourceOnly" not in locate([pile(FULL)], pile(OTHER)).methods
    assert locate([pile(FULL)], pile()).baselines == AS_IT_IS


def test_a_kernel_is_for_a_few_thousand_labels():
    many = [i % 3 for i in range(3001)]
    plan = locate([pile(FULL)], pile(many, n=3001))
    assert "KernelSVM" not in plan.baselines
    assert plan.skipped["KernelSVM"] == "the target has more than 3000 labels"
    tasks = {"a": pile(FULL), "b": pile(many, n=3001)}
    assert locate_tasks(tasks).baselines == ("TargetOnly", "Linear", "TargetBoosted")


def test_classes_that_the_source_lacks_close_adaptation():
    target = pile([0, 7, 8, 9, 10, -1], n=6)
    reason = locate([pile(FULL)], target).reasons["adaptation"]
    assert reason == "the source lacks classes of the target: 7, 8, 9, 10"
    many = pile([*range(10, 20), -1], n=11)
    assert locate([pile(FULL)], many).reasons["adaptation"].endswith("13 and 6 more")


def test_several_sources_bring_their_classes_together():
    target = pile([0, 3, -1, -1, -1, -1])
    assert "adaptation" not in locate([pile(FULL)], target).open
    assert "adaptation" in locate([pile(FULL), pile([3, 4] * 3)], target).open
    assert locate([pile(), pile(FULL)], pile(FULL)).cell == "finetuning"


def test_whole_numbers_with_holes_are_the_same_classes():
    assert "adaptation" in locate([pile(FULL)], pile([0.0, 2.0, *[np.nan] * 4])).open


def test_numbers_are_no_classes_that_could_be_lacking():
    source, target = pile([0.5, 1.5, 2.5, 3.5, 4.5, 5.5]), pile([0.7, 9.9, *[np.nan] * 4])
    plan = locate([source], target)
    assert {"finetuning", "adaptation"} <= set(plan.open)
    assert "SourceOnly" in plan.methods


def test_there_must_be_a_source():
    with pytest.raises(DataError, match="at least one source"):
        locate([], pile(FULL))


def test_every_method_lives_in_a_cell_of_the_map():
    assert len(set(NAMES)) == 7
    assert {entry.cell for entry in table().values()} <= {*NAMES, BASELINES}
    for name, cell in cells().items():  # a baseline lives in its cell, or where all can reach it
        assert {table()[baseline].cell for baseline in cell.baselines} <= {name, BASELINES}


@pytest.mark.parametrize("module", ["fourfold", "fourfold.planner"])
def test_the_map_is_shown_without_loading_anything_heavy(module):
    program = f"import sys, json, {module}; print(json.dumps(list(sys.modules)))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert module in loaded
    assert not {"torch", "sklearn", "pandas", "scipy"} & loaded


def test_what_is_read_of_a_method_is_what_it_needs():
    """Needs are read from the source of the class itself, so that it must say them anew."""
    for entry in table().values():
        method = entry.load()
        if issubclass(method, TransferEstimator):
            assert Needs(**entry.needs) == method.needs, entry.name


def test_models_of_columns_are_for_tables_and_vectors():
    vectors = locate([pile(FULL)], pile(SOME))
    pictures = [Domain(np.zeros((6, 8, 8, 3), np.uint8), y) for y in (FULL, SOME)]
    plan = locate([pictures[0]], pictures[1])
    assert {"Pooled", "Boosted"} <= set(vectors.methods)
    assert not {"Pooled", "Boosted"} & set(plan.methods)
    assert "TargetBoosted" not in plan.baselines
    assert plan.skipped["Pooled"] == "rows are no table and no vectors"
