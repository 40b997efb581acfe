"""Tests compute with one thread: on small networks a second one only waits for the first.

Studies take one core unless a test asks for more: processes cost more than small fits.

Nor do they download anything.
"""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

# read when torch is imported, here and in children
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # tests compare with sums made on the CPU
os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without a search for garbage, which takes a fourth of that time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """Run tests with searches for garbage that leave out the millions of objects of collection."""
    gc.freeze()
    try:
        return (yield)
    finally:
        gc.unfreeze()
