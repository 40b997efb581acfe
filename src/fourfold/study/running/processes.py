"""Calls in several processes, which end with this one."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from joblib import Parallel

from fourfold.core.children import begin_worker, lifeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fourfold.study.running.progress import FitProgress

__all__ = ["first_here", "in_processes"]

WORTH_PROCESSES: Final = 20.0
"""Seconds of calls for which processes are started."""
AHEAD: Final = 2
"""Calls of each process that are handed over before any result comes."""


def first_here(calls: list[Any], cores: int, bar: FitProgress) -> Iterator[Any]:
    """Run calls one after another, and in processes on all cores once these are worth their start.

    While processes start, calls go on here. Results do not depend on it.
    """
    if bar.jobs > 1:  # they have been started before
        yield from in_processes(calls, cores, bar)
        return
    began, waiting, taken = time.monotonic(), deque(calls), list[Any]()
    with ExitStack() as stack:
        elsewhere: Iterator[Any] = iter(())
        for function, given, named in _each(waiting):
            yield function(*given, **named)
            left = (time.monotonic() - began) / (len(calls) - len(waiting)) * len(waiting)
            if cores > 1 and not taken and left > WORTH_PROCESSES:
                others = _processes(_each(waiting, taken), cores, bar)
                elsewhere = stack.enter_context(others)
            if len(taken) > AHEAD * cores:
                break
        yield from elsewhere


def in_processes(calls: Iterable[Any], jobs: int, bar: FitProgress) -> Iterator[Any]:
    """Run joblib's delayed calls, ``jobs`` at a time, and yield their results as they come."""
    with _processes(calls, jobs, bar) as results:
        yield from results


def _each(waiting: deque[Any], taken: list[Any] | None = None) -> Iterator[Any]:
    """Take calls as long as one waits; others may take some, too."""
    with suppress(IndexError):
        while True:
            call = waiting.popleft()
            if taken is not None:
                taken.append(call)
            yield call


@contextmanager
def _processes(calls: Iterable[Any], jobs: int, bar: FitProgress) -> Iterator[Iterator[Any]]:
    """Begin calls in processes, and yield their results as they come; none goes on at the end.

    Workers ignore Ctrl-C: this process ends them, and they end with it if it is killed.
    """
    bar.jobs = max(bar.jobs, jobs)
    born = {"initializer": begin_worker, "initargs": (lifeline(),)} if jobs > 1 else {}
    ahead = AHEAD * jobs
    parallel = Parallel(jobs, return_as="generator_unordered", pre_dispatch=ahead, **born)
    main = threading.current_thread() is threading.main_thread()  # only that one has handlers
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None  # workers inherit it
    try:
        results = parallel(calls)
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
    try:
        yield iter(lambda: _quietly(lambda: next(results, None)), None)
    finally:  # maybe before the last one
        _quietly(results.close)


def _quietly(call: Callable[[], Any]) -> Any:
    """Call without joblib's warning of fits that are given up: Ctrl-C and time that is up do so."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* still being processed", UserWarning)
        return call()
