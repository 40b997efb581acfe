"""Calls in this process and in others beside it, which end with it."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pickle import PicklingError
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from joblib.executor import get_memmapping_executor

from fourfold.core.children import begin_worker, lifeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from fourfold.study.running.progress import FitProgress

__all__ = ["in_processes"]

Call: TypeAlias = "Callable[[], Any]"

WORTH_PROCESSES: Final = 10.0
"""Seconds of calls for which processes are started."""
USUAL: Final = 0.15
"""Seconds of a call, as long as none has been measured."""
USED: Final = ("fourfold.study.running.execution",)
"""Modules that processes import at their start: those of the fits of a study."""
AGAIN: Final = 4
"""Times that a call is sent again: its data, used here too, may change while they are sent."""


def in_processes(
    calls: Iterable[Call], jobs: int, bar: FitProgress, *, at_once: bool
) -> Iterator[Any]:
    """Run calls, ``jobs`` at a time, and yield their results as they come.

    One runs here, the others in processes of their own. These start at once, if they have not been
    started before, or when the calls that are left are worth it. Results do not depend on it.
    """
    began, waiting, results = time.monotonic(), deque(calls), SimpleQueue[Any]()
    left = whole = len(waiting)
    beside = jobs - 1
    with ExitStack() as stack:
        for call in _each(waiting):
            each = (USUAL + time.monotonic() - began) / (1 + whole - left)
            if beside and (at_once or bar.jobs > 1 or each * len(waiting) > WORTH_PROCESSES):
                bar.jobs = max(bar.jobs, jobs)
                stack.enter_context(_processes(waiting, beside, results))
                beside = 0
            yield call()
            left -= 1
            while not results.empty():
                yield results.get().result()
                left -= 1
        for _ in range(left):
            yield results.get().result()


def _each(waiting: deque[Call]) -> Iterator[Call]:
    """Take calls as long as one waits; others may take some, too."""
    with suppress(IndexError):
        while True:
            yield waiting.popleft()


@contextmanager
def _processes(waiting: deque[Call], n: int, results: SimpleQueue[Any]) -> Iterator[None]:
    """Take waiting calls in n processes, which return futures; none goes on at the end.

    Workers ignore Ctrl-C: this process ends them, and they end with it if it is killed.
    """
    workers = get_memmapping_executor(n, initializer=begin_worker, initargs=(lifeline(), USED))

    def take() -> None:
        with suppress(IndexError):
            send(waiting.popleft(), AGAIN)

    def send(call: Call, again: int) -> None:
        workers.submit(call).add_done_callback(partial(done, call, again))

    def done(call: Call, again: int, future: Future[Any]) -> None:
        ended = not future.cancelled()
        if ended and again and isinstance(future.exception(), PicklingError):
            send(call, again - 1)
            return
        results.put(future)
        if ended and future.exception() is None:
            take()

    main = threading.current_thread() is threading.main_thread()  # only that one has handlers
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None  # workers inherit it
    try:
        for _ in range(n):
            take()
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
    try:
        yield
    except BaseException:  # also where nobody wants the other results
        waiting.clear()
        workers.terminate(kill_workers=True)
        raise
