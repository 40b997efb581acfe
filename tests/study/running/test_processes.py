"""Calls here and in other processes beside."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from pickle import PicklingError

import pytest

from fourfold.study.running.processes import in_processes
from fourfold.study.running.progress import FitProgress


@dataclass
class Changing:
    """A call that cannot be sent the first times, as if its data changed meanwhile."""

    times: int
    sent: list[int] = field(default_factory=list)

    def __call__(self):
        return os.getpid()

    def __reduce__(self):
        self.sent.append(1)
        if len(self.sent) <= self.times:
            raise RuntimeError("dictionary changed size during iteration")
        return partial, (os.getpid,)


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


def test_a_call_whose_data_change_while_it_is_sent_is_sent_again(bar):
    calls = [os.getpid, Changing(times=2)]
    assert len([*in_processes(calls, 2, bar, at_once=True)]) == 2
    assert len(calls[1].sent) == 3


def test_a_call_that_cannot_be_sent_ends_all(bar):
    with pytest.raises(PicklingError):
        [*in_processes([os.getpid, Changing(times=99)], 2, bar, at_once=True)]
