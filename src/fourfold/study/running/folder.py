"""The output folder of a study: written by one study at a time, and by one only."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, final

from filelock import FileLock, Timeout

from fourfold.core.atomic import whole_file
from fourfold.core.version import VERSION
from fourfold.errors import FileError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["StudyFolder", "write_error"]

MARK: Final = "study.json"
CONTENT: Final = (
    *("runs", "models", "tasks", "backtest", "best", "result.json", "report.html"),
    MARK,
)
"""All that a study writes, itself or by the command line."""


@final
class StudyFolder:
    """The folder of a study, which is made.

    Parameters
    ----------
    path
        The folder.
    data
        Digest of the study's data: a study of other data is another one.
    resume
        Whether a study of the same data that is in the folder is gone on with.
    force
        Whether a study that is in the folder is replaced.

    Raises
    ------
    ParameterError
        If it is both resumed and replaced.
    FileError
        If the folder cannot be written, or holds a study that is neither resumed nor replaced.
    """

    def __init__(self, path: Path, data: str, *, resume: bool, force: bool) -> None:
        if resume and force:
            raise ParameterError(
                "resume=True goes on with a study and force=True replaces it: they exclude each "
                "other; got both"
            )
        self.path, self.data, self.resume, self.force = path, data, resume, force
        self._lock = FileLock(path / ".lock", is_singleton=True)
        _check_writable(path)
        self._check_free()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder against other studies; it is this study's own from now on.

        Raises
        ------
        FileError
            If another study holds it, or has written it since.
        """
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise FileError(
                f"{self.path} must be written by one study at a time; another one is running: wait "
                "for its end, or name another folder"
            ) from error
        try:
            if self._lock.lock_counter == 1:  # else we hold it already
                self._take()
            yield
        finally:
            self._lock.release()

    def _take(self) -> None:
        self._check_free()
        try:
            if self.force:
                self._empty()
            with whole_file(self.path / MARK) as part:
                part.write_text(json.dumps({"fourfold": VERSION, "data": self.data}))
        except OSError as error:
            raise write_error(self.path, "a folder to write to", error) from error
        self.force, self.resume = False, True  # from now on it is this study's

    def _empty(self) -> None:
        for name in CONTENT:
            place = self.path / name
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)

    def _check_free(self) -> None:
        if self.force or not any((self.path / name).exists() for name in CONTENT):
            return
        if not self.resume:
            raise FileError(
                f"{self.path} must be free for a study; it holds one: resume=True goes on with it, "
                "force=True replaces it"
            )
        if self._held_data() not in {self.data, None}:
            raise FileError(
                f"{self.path} must hold the study that is resumed; it holds one of other data: "
                "force=True replaces it"
            )

    def _held_data(self) -> str | None:
        """Return the digest of the data of the study in the folder; None where it is not known."""
        try:
            return str(json.loads((self.path / MARK).read_text(encoding="utf-8"))["data"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise write_error(folder, "a folder to write to", error) from error


def write_error(path: Path, what: str, error: OSError) -> FileError:
    """Return the error of a failed write, with its reason but without the path again."""
    why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror or error
    return FileError(f"{path} must be {what}; got: {why}")
