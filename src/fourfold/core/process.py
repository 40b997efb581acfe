"""Settings of the process: random state, threads, memory allocator, number of processes."""

from __future__ import annotations

import ctypes
import gc
import platform
import sys
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import torch
import torch.distributed as dist
from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "keep_memory",
    "progress_bar",
    "release_memory",
    "seeded",
    "settled",
    "threads",
    "world_size",
]

M_TRIM_THRESHOLD: Final = -1
M_TOP_PAD: Final = -2
M_MMAP_THRESHOLD: Final = -3


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch inside a block; the random state of the caller is restored afterwards."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        if torch.accelerator.is_available():
            torch.manual_seed(seed)
        else:  # torch.manual_seed keeps a stack trace for each kind of accelerator
            torch.default_generator.manual_seed(seed)
        yield


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Compute with ``n`` threads inside a block; the last bits of sums depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with _native_libraries(len(sys.modules)).limit(limits=n):
            yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _native_libraries(_modules: int) -> ThreadpoolController:
    """Look for libraries with threads of their own, anew when modules were imported."""
    return ThreadpoolController()


def world_size() -> int:
    """Return the number of processes that train one model together, usually 1."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def keep_memory() -> bool:
    """Let the process keep freed memory for its next step; return whether that is possible.

    glibc returns every large temporary to the kernel, and gets it back page by page at the next
    step: about half the time of a training step on a CPU. The command line and the workers of a
    study call this. Call it yourself once at the start of a process that trains. It does nothing
    with a C library other than glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    settings = ((M_MMAP_THRESHOLD, 1 << 25), (M_TRIM_THRESHOLD, 1 << 30), (M_TOP_PAD, 1 << 26))
    return all(libc.mallopt(option, value) == 1 for option, value in settings)


@contextmanager
def settled() -> Iterator[None]:
    """Let garbage collection pass over all that is there at the start of a block.

    Where the caller does so already, it is left as it is: to end one's own part would end all.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def release_memory() -> None:
    """Give memory that is free back to the system, where something large has been forgotten."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def progress_bar(total: int, *, on: bool) -> Iterator[Callable[[int], None]]:
    """Show a progress bar of ``total`` epochs inside a block; yield a function that moves it."""
    if not on:
        yield lambda _done: None
        return
    from rich.progress import Progress

    with Progress(transient=True) as progress:
        bar = progress.add_task("training", total=total)
        yield lambda done: progress.update(bar, completed=done)
