"""The devices and processes of a training, by Lightning Fabric."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightning_fabric import Fabric

    from fourfold.training.runtime import Runtime

__all__ = ["launched"]


def launched(runtime: Runtime) -> Fabric:
    """Launch Fabric on the devices; under torchrun, join the other processes."""
    devices: Any = runtime.devices
    strategy = "auto"
    if "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ["WORLD_SIZE"]) > 1:
        devices, strategy = int(os.environ["LOCAL_WORLD_SIZE"]), "ddp"
    elif devices == "auto":
        devices = 1
    nodes = int(os.environ.get("GROUP_WORLD_SIZE", "1")) if strategy == "ddp" else 1
    return _once(
        accelerator=runtime.accelerator,
        devices=devices,
        num_nodes=nodes,
        strategy=strategy,
        precision=runtime.precision,
    )


@lru_cache(maxsize=1)
def _once(**settings: Any) -> Fabric:
    """Launch Fabric, or return the last one: building it reads every installed package's entry."""
    with _environment("PYTORCH_NVML_BASED_CUDA_CHECK"):  # else each step looks for a driver
        from lightning_fabric import Fabric  # with torch._dynamo: predictions do without

    fabric = Fabric(**settings)
    fabric.launch()
    return fabric


@contextmanager
def _environment(name: str) -> Iterator[None]:
    """Keep an environment variable as it is."""
    before = os.environ.get(name)
    yield
    os.environ.pop(name, None)
    if before is not None:
        os.environ[name] = before
