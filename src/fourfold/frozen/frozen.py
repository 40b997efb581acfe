"""Frozen: a row-wise function that never trains, run by an engine made for inference."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from xxhash import xxh3_128_hexdigest

from fourfold.data.rows import BLOCK_BYTES, Rows, as_rows
from fourfold.errors import BundleError, DataError, ParameterError
from fourfold.frozen.engines import Engine, Precision, TorchEngine, start
from fourfold.frozen.fingerprint import fingerprint
from fourfold.frozen.taps import Tapped
from fourfold.frozen.values import joined, stacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Index

__all__ = ["Frozen"]


@final
class Frozen(nn.Module):
    """A row-wise function that never trains: everything it computes is computed once.

    Called like any module it runs in torch and can be part of a larger network. ``compute`` runs
    it over many rows by an inference engine, in blocks of one fixed size, the last filled up with
    zeros, so that a row's value depends in no bit on its neighbours: ``f(X)[i] == f(X[i:i+1])``.

    Parameters
    ----------
    module
        Takes one tensor (n, ...) and returns one, each row by itself; copied, for ever in eval
        mode, without gradients for its parameters.
    taps
        Names of its layers whose values are computed beside its output.
    engine
        ``"auto"``: ONNX Runtime where the module lies on the CPU, torch where it lies on a GPU or
        cannot be exported; or one of them by name. OpenVINO needs the extra ``openvino``.
    block
        How many rows the engine computes at a time.
    precision
        ``"bf16"`` is faster and coarser; torch and OpenVINO have it.
    dtype
        What rows are converted to before: float32, or a whole type for tokens.

    Raises
    ------
    ParameterError
        If a tap, the engine, the precision or the block does not exist.

    Examples
    --------
    >>> import numpy as np, torch
    >>> twice = Frozen(torch.nn.Linear(2, 2), engine="torch")
    >>> x = np.ones((5, 2), np.float32)
    >>> twice.compute(x)["output"].shape
    (5, 2)
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        taps: Sequence[str] = (),
        engine: Literal["auto", "onnxruntime", "openvino", "torch"] = "auto",
        block: int = 32,
        precision: Precision = "fp32",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        _one_of("engine", engine, ("auto", "onnxruntime", "openvino", "torch"))
        _one_of("precision", precision, ("fp32", "bf16"))
        if block < 1:
            raise ParameterError(f"block must be at least 1; got {block}")
        if engine == "onnxruntime" and precision == "bf16":
            raise ParameterError("precision must be 'fp32' for onnxruntime on a CPU; got 'bf16'")
        self.engine = engine
        self.block = block
        self.precision = precision
        self.dtype = dtype
        self._tapped = Tapped(copy.deepcopy(module), taps).requires_grad_(False)
        self._engines = _Engines()
        self.engine_used: str | None = None
        self.train(False)

    @property
    def module(self) -> nn.Module:
        """The module itself."""
        return self._tapped.module

    @property
    def names(self) -> tuple[str, ...]:
        """What ``compute`` returns: the taps, then ``"output"``."""
        return self._tapped.names

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002  torch's signature
        """Stay in eval mode, whatever the network around it does."""
        return super().train(mode=False)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the output in torch, one row by itself as all are: (n, ...)."""
        output: Tensor = self._tapped.module(x)
        return output

    @property
    def key(self) -> str:
        """What it computes, in 32 hex digits: code, settings, weights, engine, precision, block."""
        return self._key(fingerprint(self._tapped))

    def _key(self, content: str) -> str:
        engine = f"{self.engine} {_versions(self.engine)} {self.precision} {self.block}"
        return xxh3_128_hexdigest(f"{content} {engine} {self.dtype}".encode())

    def compute(self, rows: Rows | Any, index: Index | None = None) -> dict[str, NDArray[Any]]:
        """Compute rows by the inference engine.

        Parameters
        ----------
        rows
            Rows, or an array (n, ...).
        index
            Which of them; all by default.

        Returns
        -------
        dict
            The taps' values by name and the module's own as ``"output"``: each (n, ...), or where
            rows differ in shape (sounds) and the values too, n arrays in an array of objects.

        Raises
        ------
        DataError
            If the rows are a table, or the module is not row-wise.
        BundleError
            If the engine that was asked for cannot run the module.
        """
        rows = as_rows(rows)
        parts = list(self.stream(rows, np.arange(rows.n) if index is None else index))
        return {name: joined([part.pop(name) for part in parts]) for name in self.names}

    def stream(self, rows: Rows, index: Index) -> Iterator[dict[str, NDArray[Any]]]:
        """Compute rows as ``compute`` does, a few blocks at a time."""
        if rows.kind in {"table", "texts"}:
            raise DataError(f"a network must get numbers; got a {rows.kind}: prepare them first")
        content = fingerprint(self._tapped)
        step = max(1, BLOCK_BYTES // rows.row_bytes // self.block) * self.block
        for at in range(0, max(1, len(index)), step):
            read = rows.take(index[at : at + step])
            ragged = isinstance(read, list) or read.dtype == object
            values = self._one_by_one(read) if ragged else self._in_blocks(read, content)
            yield dict(zip(self.names, values, strict=True))

    def _in_blocks(self, read: NDArray[Any], content: str) -> list[NDArray[Any]]:
        x = np.ascontiguousarray(read, _numpy(self.dtype))
        example = x if len(x) else np.zeros((1, *x.shape[1:]), x.dtype)
        engine = self._engine(example, content)
        outputs: list[NDArray[Any]] = []
        for at in range(0, len(example), engine.block):
            part = x[at : at + engine.block]
            values = engine.run(_padded(part, engine.block))
            outputs = outputs or [np.empty((len(x), *v.shape[1:]), v.dtype) for v in values]
            for output, value in zip(outputs, values, strict=True):
                output[at : at + len(part)] = value[: len(part)]
        return outputs

    def _one_by_one(self, read: Sequence[Any]) -> list[NDArray[Any]]:
        engine = TorchEngine(self._tapped, 1, self.precision)
        self.engine_used = engine.name
        rows = [np.ascontiguousarray(row, _numpy(self.dtype))[None] for row in read]
        values = [engine.run(row) for row in rows]
        return [stacked([value[i][0] for value in values]) for i in range(len(self.names))]

    def _engine(self, example: NDArray[Any], content: str) -> Engine:
        """Return the engine for rows of this shape, started now if there is none yet."""
        device = next((p.device.type for p in self._tapped.parameters()), "cpu")
        where = (self._key(content), example.shape[1:], device)
        launch = partial(start, self._tapped, block=self.block, precision=self.precision)
        engine = self._engines.ready.get(where)
        if engine is None:
            if self.engine != "auto":
                engine = launch(name=self.engine, example=example)
            elif device != "cpu" or self.precision != "fp32":
                engine = launch(name="torch", example=example)
            else:
                try:
                    engine = launch(name="onnxruntime", example=example)
                except BundleError:
                    engine = launch(name="torch", example=example)
            self._engines.keep(where, engine)
        self.engine_used = engine.name
        return engine


@final
class _Engines:
    """The engines that are ready, by what they compute; copies of a Frozen share them."""

    MOST = 8

    def __init__(self) -> None:
        self.ready: dict[tuple[str, tuple[int, ...], str], Engine] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> _Engines:
        return self

    def keep(self, where: tuple[str, tuple[int, ...], str], engine: Engine) -> None:
        while len(self.ready) >= self.MOST:
            self.ready.pop(next(iter(self.ready)))
        self.ready[where] = engine


def _one_of(name: str, got: str, options: tuple[str, ...]) -> None:
    if got not in options:
        raise ParameterError(f"{name} must be one of {', '.join(options)}; got {got!r}")


def _versions(engine: str) -> str:
    """Return the version of what runs; torch's own is in the fingerprint."""
    if engine == "openvino":
        from fourfold.frozen.openvino import version

        return version()
    return "" if engine == "torch" else str(onnxruntime.__version__)


def _numpy(dtype: torch.dtype) -> np.dtype[Any]:
    return np.dtype(torch.empty(0, dtype=dtype).numpy().dtype)


def _padded(rows: NDArray[Any], block: int) -> NDArray[Any]:
    """Fill a block up with zeros; a full one is not copied."""
    if len(rows) == block:
        return rows
    full = np.zeros((block, *rows.shape[1:]), rows.dtype)
    full[: len(rows)] = rows
    return full
