"""The caller's process is as it was afterwards."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys

import pytest
import torch
from rich.progress import Progress
from threadpoolctl import threadpool_info

from fourfold.core.process import keep_memory, progress_bar, seeded, settled, threads, world_size


def test_a_seed_gives_the_same_numbers_and_leaves_no_trace():
    before = torch.get_rng_state()
    with seeded(7):
        first = torch.rand(5)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    with seeded(7):
        assert torch.equal(torch.rand(5), first)
    with seeded(8):
        assert not torch.equal(torch.rand(5), first)


def test_the_random_state_comes_back_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(1):
        _ = torch.rand(1) / (1 // 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_threads_hold_inside_only():
    before = torch.get_num_threads()
    pools = [pool["num_threads"] for pool in threadpool_info()]
    with threads(1):
        assert torch.get_num_threads() == 1
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    assert torch.get_num_threads() == before
    assert [pool["num_threads"] for pool in threadpool_info()] == pools
    with pytest.raises(RuntimeError, match="inside"), threads(1):
        raise RuntimeError("inside")
    assert torch.get_num_threads() == before


FAULTS = """
import resource, sys, torch
from fourfold.core.process import keep_memory
if sys.argv[1] == "keep":
    assert keep_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.set_num_threads(1)
before = faults()
for size in range(1, 25):
    torch.ones(size << 18)  # of 1, 2, ... 24 MB: each larger than all before
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="keep_memory speaks to glibc")
def test_kept_memory_is_not_asked_for_again():
    pages = {
        mode: int(
            subprocess.run(
                [sys.executable, "-c", FAULTS, mode], capture_output=True, text=True, check=True
            ).stdout
        )
        for mode in ("keep", "default")
    }
    assert pages["keep"] < 0.5 * pages["default"]


def test_without_glibc_nothing_is_done(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1.2"))
    assert keep_memory() is False


def test_one_process_is_alone():
    assert world_size() == 1


def test_a_progress_bar_moves(monkeypatch):
    seen = []
    monkeypatch.setattr(Progress, "update", lambda _bar, task, **moved: seen.append((task, moved)))
    with progress_bar(2, on=True) as tick:
        tick(1)
        tick(2)
    assert [moved["completed"] for _, moved in seen] == [1, 2]


def test_no_bar_shows_nothing(capsys):
    with progress_bar(2, on=False) as tick:
        tick(2)
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def unsettled():
    """All that the test run itself has settled takes part in collections again, for one test."""
    before = gc.get_freeze_count()
    gc.unfreeze()
    yield
    if before:
        gc.freeze()


@pytest.mark.usefixtures("unsettled")
def test_what_is_there_is_settled_inside_a_block():
    with settled():
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("unsettled")
def test_what_the_caller_has_settled_stays_so():
    gc.freeze()
    with settled():
        pass
    assert gc.get_freeze_count() > 0
    gc.unfreeze()
