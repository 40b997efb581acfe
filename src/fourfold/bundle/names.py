"""Names of tasks as names of folders, and back."""

from __future__ import annotations

from urllib.parse import quote, unquote

__all__ = ["as_folder", "as_task"]


def as_folder(task: str) -> str:
    """Name a task's folder; whatever a file system minds in a name is written in numbers.

    Examples
    --------
    >>> as_folder("a/b"), as_task(as_folder("a/b"))
    ('a%2Fb', 'a/b')
    """
    return quote(task, safe=" ,()[]=+@").replace(".", "%2E")


def as_task(folder: str) -> str:
    """Return the task's name that :func:`as_folder` made a folder's of."""
    return unquote(folder)
