"""Cases of an attack, run in children that are forked from this warm process, with limits."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, final

from fourfold.errors import FourfoldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "FAULTS",
    "Case",
    "Child",
    "Limits",
    "Verdict",
    "WrongError",
    "begin_peak",
    "in_child",
    "memory",
    "run_cases",
]

FAULTS: Final = ("crashes", "hangs", "over_memory", "silent_wrong")
LONGEST: Final = 300
"""Longest message of an error, in characters."""
ORPHANS: Final = 5.0
"""Seconds in which the children of a killed process must end."""


class WrongError(Exception):
    """An answer that differs from the right one, without a word."""


class Verdict(NamedTuple):
    """One of the faults or "", and a message."""

    fault: str
    said: str


class Case(NamedTuple):
    """A name, and work that ends, is refused by a FourfoldError, or finds a :class:`WrongError`."""

    name: str
    work: Callable[[], None]


class Limits(NamedTuple):
    """Seconds and bytes that a case may take."""

    seconds: float
    memory: int


@final
class Child:
    """A forked child that leads a group of its own and sends lines; its other output is dropped.

    It works until ``work`` returns, is killed, or writes to a parent that has ended.
    """

    def __init__(self, work: Callable[[Callable[[str], None]], None], memory: int) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._live(work, writing, memory)
        os.close(writing)
        with suppress(PermissionError):  # the child did it
            os.setpgid(self.pid, self.pid)
        self._lines, self._rest = reading, b""

    @staticmethod
    def _live(work: Callable[[Callable[[str], None]], None], writing: int, memory: int) -> None:
        code = 1
        try:
            os.setpgid(0, 0)
            nothing = os.open(os.devnull, os.O_RDWR)
            for standard in range(3):
                os.dup2(nothing, standard)
            space = _address_space() + 4 * memory  # mapped memory need not be used
            resource.setrlimit(resource.RLIMIT_AS, (space, space))
            warnings.simplefilter("ignore")
            work(lambda line: _write_all(writing, f"{line}\n".encode()))
            code = 0
        finally:
            os._exit(code)

    def line(self, seconds: float) -> str | None:
        """Return the next line, "" at the end of the child, None if neither comes in time."""
        until = time.monotonic() + seconds
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._lines], [], [], left)[0]:
                return None
            read = os.read(self._lines, 1 << 16)
            if not read:
                return ""
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def kill(self) -> str:
        """Kill the child alone, and return how it ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self._lines)
        if os.WIFSIGNALED(status):
            return signal.Signals(os.WTERMSIG(status)).name
        return f"exit code {os.WEXITSTATUS(status)}"

    def leaves_nobody(self) -> bool:
        """Return whether the group of the killed child ends in time; else kill it."""
        until = time.monotonic() + ORPHANS
        while time.monotonic() < until:
            if not _alive(self.pid):
                return True
            select.select([], [], [], 0.05)
        os.killpg(self.pid, signal.SIGKILL)
        return False


def run_cases(cases: Sequence[Case], limits: Limits) -> Iterator[Verdict]:
    """Yield a verdict of each case; a child runs one after another until it ends or is killed."""
    done = 0
    while done < len(cases):
        left = cases[done:]

        def work(send: Callable[[str], None], left: Sequence[Case] = left) -> None:
            for case in left:
                send(json.dumps(_judge(case.work, limits.memory)))

        child = Child(work, limits.memory)
        line: str | None = "more"
        for _ in left:
            line = child.line(limits.seconds)
            if not line:
                break
            done += 1
            yield Verdict(*json.loads(line))
        ended = child.kill()
        if line == "":
            done += 1
            yield Verdict("crashes", f"the process ended by {ended}")
        elif line is None:
            done += 1
            yield Verdict("hangs", f"no answer within {limits.seconds:g} s")


def in_child(work: Callable[[], str | None], limits: Limits) -> str:
    """Return the answer of work that must succeed in a child, or raise a FourfoldError."""
    answers = Child(lambda send: send(json.dumps(_attempt(work))), limits.memory)
    line = answers.line(limits.seconds)
    ended = answers.kill()
    answer, error = json.loads(line) if line else ("", f"no answer, {ended}")
    if error:
        raise FourfoldError(f"without any fault it must work; got: {error}")
    return str(answer)


def _attempt(work: Callable[[], str | None]) -> tuple[str, str]:
    try:
        return work() or "", ""
    except Exception:  # noqa: BLE001  the parent tells
        return "", traceback.format_exc()


def _judge(work: Callable[[], None], limit: int) -> Verdict:
    """Run a case in this process, and judge it."""
    before = begin_peak()
    try:
        work()
    except FourfoldError as error:
        said = str(error)
        bad = not said or len(said) > LONGEST or not said.isprintable()
        verdict = (
            Verdict("crashes", f"a message of {len(said)}: {said!r}")
            if bad
            else (Verdict("", said))
        )
    except WrongError as error:
        verdict = Verdict("silent_wrong", str(error))
    except MemoryError as error:
        verdict = Verdict("over_memory", str(error))
    except Exception as error:  # noqa: BLE001  anything else is a crash, and is counted
        verdict = Verdict("crashes", f"{type(error).__name__}: {error}"[:LONGEST])
    else:
        verdict = Verdict("", "")
    used = memory("VmHWM") - before
    if used > limit and not verdict.fault:
        return Verdict("over_memory", f"{used / 1e6:.0f} MB")
    return verdict


def begin_peak() -> int:
    """Begin this process's peak of memory anew, and return its memory now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return memory("VmRSS")


def memory(key: str) -> int:
    """Return the memory that this process holds, VmRSS, or its peak, VmHWM, in bytes."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return int(dict(line.split(":", 1) for line in lines)[key].split()[0]) << 10


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    return pages * resource.getpagesize()


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _write_all(to: int, content: bytes) -> None:
    while content:
        content = content[os.write(to, content) :]
