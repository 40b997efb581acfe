"""Folder names for names of tasks."""

from __future__ import annotations

from urllib.parse import quote, unquote

__all__ = ["as_folder", "as_task"]


def as_folder(task: str) -> str:
    """Return the folder name of a task, with special characters as percent codes.

    Examples
    --------
    >>> as_folder("a/b"), as_task(as_folder("a/b"))
    ('a%2Fb', 'a/b')
    """
    return quote(task, safe=" ,()[]=+@").replace(".", "%2E")


def as_task(folder: str) -> str:
    """Return the task of a folder name: the inverse of :func:`as_folder`."""
    return unquote(folder)
