"""Calls here and in other processes beside."""

from __future__ import annotations

import os
from functools import partial

import pytest

from fourfold.study.running.processes import in_processes
from fourfold.study.running.progress import FitProgress


@pytest.fixture
def bar():
    return FitProgress(on=False)


def test_one_call_at_a_time_runs_here(bar):
    assert {*in_processes([os.getpid] * 3, 1, bar, at_once=True)} == {os.getpid()}
    assert bar.jobs == 1


def test_several_calls_run_here_and_beside(bar):
    found = [*in_processes([os.getpid] * 6, 2, bar, at_once=True)]
    assert len(found) == 6
    assert os.getpid() in found
    assert len({*found}) == 2
    assert bar.jobs == 2


def test_few_calls_are_not_worth_processes(bar):
    assert {*in_processes([os.getpid] * 6, 2, bar, at_once=False)} == {os.getpid()}


def test_an_error_in_another_process_ends_all(bar):
    calls = [os.getpid, partial(int, "none"), *[os.getpid] * 4]
    with pytest.raises(ValueError, match="none"):
        [*in_processes(calls, 2, bar, at_once=True)]
    assert len([*in_processes([os.getpid] * 6, 2, bar, at_once=True)]) == 6
