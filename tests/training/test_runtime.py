"""A runtime holds inside its block, and changes no result but by device, precision and threads."""

from __future__ import annotations

import pytest
import torch

from fourfold.errors import ParameterError
from fourfold.frozen.store import Store, active
from fourfold.training.runtime import Runtime, current


def test_runtimes_hold_inside_and_nest():
    outer, inner = Runtime(progress=True), Runtime(checkpoint_every=1.0)
    before = current()
    with outer:
        assert current() is outer
        with inner, outer:
            assert current() is outer
        assert current() is outer
    assert current() is before


def test_a_runtime_ends_with_an_error_inside():
    before = current()
    with pytest.raises(ZeroDivisionError), Runtime(progress=True):
        _ = 1 // 0
    assert current() is before


def test_threads_and_store_are_set_inside(tmp_path):
    threads, store = torch.get_num_threads(), Store(tmp_path)
    with Runtime(threads=threads + 1, store=store):
        assert torch.get_num_threads() == threads + 1
        assert active() is store
    assert torch.get_num_threads() == threads
    assert active() is None


def test_the_identity_is_device_precision_and_threads():
    shown = Runtime(progress=True, checkpoints="x", checkpoint_every=1.0, callbacks=(print,))
    assert shown.identity() == Runtime().identity()
    assert Runtime(precision="bf16-mixed").identity() != Runtime().identity()
    with Runtime(threads=torch.get_num_threads() + 1) as more:
        threaded = more.identity()
    assert threaded != Runtime().identity()
    assert Runtime(accelerator="cpu").device_kind == "cpu"


def test_other_values_are_refused():
    with (
        pytest.raises(ParameterError, match="precision of Runtime must be one of"),
        Runtime(precision="64"),
    ):
        pass
    assert Runtime(progress=True).but(threads=2).get_params()["progress"] is True
