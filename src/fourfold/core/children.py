"""Child processes that end with their parent, however it ends."""

from __future__ import annotations

import atexit
import gc
import os
from contextlib import suppress
from functools import cache
from importlib import import_module
from multiprocessing.connection import Client, Listener
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["begin_worker", "follow", "lifeline"]


@cache
def lifeline() -> Any:
    """Return an address that answers as long as this process lives, for :func:`follow`."""
    listener = Listener()
    held = []

    def hold() -> None:
        while True:
            with suppress(OSError, EOFError):  # a child that ended at once
                held.append(listener.accept())

    Thread(target=hold, daemon=True, name="lifeline").start()
    return listener.address


def follow(address: Any) -> None:
    """End this process when the one of a :func:`lifeline` ends, even if it is killed."""
    try:
        connection = Client(address)
    except OSError:  # it has ended
        os._exit(1)

    def watch() -> None:
        with suppress(OSError, EOFError):
            connection.recv_bytes()  # nothing is ever sent: it returns when the other side closes
        os._exit(1)

    Thread(target=watch, daemon=True, name="follow").start()


def begin_worker(address: Any, used: Sequence[str]) -> None:
    """Begin a worker of ours: follow its parent, then import the modules that its calls use."""
    follow(address)
    atexit.register(os._exit, 0)  # a second less than to take everything down
    gc.disable()  # modules are no garbage, and imported a fifth faster
    from joblib.externals.loky import process_executor

    from fourfold.core.process import keep_memory

    # where psutil is installed, loky ends a worker that has grown by 300 MB; ours keep prepared
    # rows, and a call that is larger than the pipe would wait for ever for one that ends
    process_executor._USE_PSUTIL = False  # noqa: SLF001  there is no option
    keep_memory()
    for name in used:
        import_module(name)
    gc.freeze()
    gc.enable()
