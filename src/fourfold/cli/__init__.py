"""Command line: ``fourfold map | study | pick | predict | export | cache``.

A command reads its options, calls the library and prints; flags are named here and nowhere else.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

import typer

from fourfold.cli.commands import app
from fourfold.cli.flags import with_flags
from fourfold.errors import FourfoldError, FourfoldWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["app", "main"]

STOPPED: Final = 130
"""Exit code after Ctrl-C."""


def main() -> NoReturn:
    """Run the command line; an error is one sentence and exit code 2, Ctrl-C is code 130."""
    try:
        with _plain_warnings():
            code = app(sys.argv[1:] or ["--help"], "fourfold", standalone_mode=False)
    except FourfoldError as error:
        _stop(str(error), 2)
    except OSError as error:
        _stop(f"files must be there, and the disk must have space; got: {error}", 2)
    except typer.Abort as stop:
        _stop(str(stop) or "stopped", STOPPED)
    except typer.TyperException as error:
        _stop(f"{error.format_message().rstrip('.')}; see fourfold --help", 2)
    if code == STOPPED:  # typer's result after Ctrl-C
        _stop("stopped", STOPPED)
    sys.exit(code or 0)


def _stop(sentence: str, code: int) -> NoReturn:
    _say(sentence)
    sys.exit(code)


def _say(sentence: str) -> None:
    sys.stderr.write(f"fourfold: {with_flags(' '.join(sentence.split()))}\n")


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show fourfold's own warnings as one sentence each, once, without a line of code."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Image size .* exceeds limit")  # --max-memory bounds it
        shown = warnings.showwarning
        said: set[str] = set()  # members of a blend say the same of their rows

        def show(message: Warning | str, category: type[Warning], *where: Any, **to: Any) -> None:
            if issubclass(category, FourfoldWarning):
                if str(message) not in said:
                    said.add(str(message))
                    _say(str(message))
            else:
                shown(message, category, *where, **to)

        warnings.showwarning = show
        yield
