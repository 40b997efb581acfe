"""Frozen: a row-wise function that never trains, run by an inference engine."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Self, final

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from xxhash import xxh3_128_hexdigest

from fourfold.data.rows import BLOCK_BYTES, Rows, as_rows
from fourfold.errors import BundleError, DataError, ParameterError
from fourfold.frozen.engines import Engine, OnnxRuntimeEngine, Precision, TorchEngine
from fourfold.frozen.fingerprint import Transient, fingerprint
from fourfold.frozen.onnx import with_any_rows
from fourfold.frozen.padding import alike, trimmed
from fourfold.frozen.ragged import concatenate_values, stack_values
from fourfold.frozen.start import start_engine
from fourfold.frozen.taps import Tapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Index

__all__ = ["Frozen"]

FILES: Final = 2
"""Version of how an engine's file is written: another one may round otherwise."""


@final
class Frozen(nn.Module):
    """A row-wise function that never trains.

    Called like a module, it runs in torch and can be part of a larger network. ``compute`` runs it
    over many rows by an inference engine, in blocks of one fixed size, the last one padded with
    zeros. So a row's value depends in no bit on the other rows: ``f(X)[i] == f(X[i:i+1])``.

    Parameters
    ----------
    module
        Module from one tensor (n, ...) to one tensor, row by row. It is copied, stays in evaluation
        mode, and has no gradients.
    taps
        Names of layers whose values are computed beside the output.
    engine
        ``"auto"``: ONNX Runtime for a module on the CPU, torch for one on a GPU or one that cannot
        be exported; or an engine by name. OpenVINO needs the extra ``openvino``.
    block
        Number of rows computed at a time.
    precision
        ``"bf16"`` is faster and less exact; supported by torch and OpenVINO.
    dtype
        Type of the converted rows: float32, or an integer type for tokens.

    Raises
    ------
    ParameterError
        If a tap, the engine or the precision does not exist, or the block is not positive.

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
        self.train(False)

    @property
    def module(self) -> nn.Module:
        """The copied module."""
        return self._tapped.module

    @property
    def engine_used(self) -> str | None:
        """Name of the engine of the last values; None before there are any."""
        return self._engines.used

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values of ``compute``: the taps, then ``"output"``."""
        return self._tapped.names

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002  torch's signature
        """Stay in evaluation mode, also inside a training network."""
        return super().train(mode=False)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the output in torch: (n, ...)."""
        output: Tensor = self._tapped.module(x)
        return output

    @property
    def key(self) -> str:
        """Hash of code, settings, weights, engine, precision and block: 32 hex digits."""
        return self._key(fingerprint(self._tapped))

    def _key(self, content: str) -> str:
        engine = f"{self.engine} {_versions(self.engine)} {self.precision} {self.block}"
        return xxh3_128_hexdigest(f"{content} {engine} {self.dtype}".encode())

    def onnx(self, shape: tuple[int, ...]) -> bytes | None:
        """Return the module's ONNX file for any number of rows, from a started engine.

        None where no engine has made one for rows of this shape, or it needs their number.
        """
        engine = self._engines.ready.get((self.key, shape, "cpu"))
        plain = not self._tapped.taps and self.dtype == torch.float32
        if not isinstance(engine, OnnxRuntimeEngine) or not plain:
            return None
        return with_any_rows(engine.model, self._tapped.module, shape)

    def compute(self, rows: Rows | Any, index: Index | None = None) -> dict[str, NDArray[Any]]:
        """Compute the values of rows by the inference engine.

        Parameters
        ----------
        rows
            Rows, or an array (n, ...).
        index
            Positions of the rows; all by default.

        Returns
        -------
        dict
            Values of the taps by name, and of the module as ``"output"``: (n, ...) each. If rows
            and values differ in shape, as of sounds, n arrays in an array of objects.

        Raises
        ------
        DataError
            If the rows are a table, or the module is not row-wise.
        BundleError
            If the chosen engine cannot run the module.
        """
        rows = as_rows(rows)
        parts = list(self.stream(rows, np.arange(rows.n) if index is None else index))
        return {name: concatenate_values([part.pop(name) for part in parts]) for name in self.names}

    def stream(self, rows: Rows, index: Index) -> Iterator[dict[str, NDArray[Any]]]:
        """Compute the values of rows a few blocks at a time."""
        if rows.kind in {"table", "texts"}:
            raise DataError(f"a network must get numbers; got a {rows.kind}: prepare them first")
        content = fingerprint(self._tapped)
        step = max(1, BLOCK_BYTES // rows.row_bytes // self.block) * self.block
        for at in range(0, max(1, len(index)), step):
            read = rows.take(index[at : at + step])
            ragged = isinstance(read, list) or read.dtype == object
            if rows.padded:
                values = self._by_length(read, content)
            else:
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

    def _by_length(self, read: NDArray[Any], content: str) -> list[NDArray[Any]]:
        """Compute sequences, those of a like length together; values of steps get zeros behind."""
        most = read.shape[1]
        outputs: list[NDArray[Any]] = []
        for part in alike(read, self.block) or [np.arange(0)]:
            x = trimmed(read[part])
            values = [_lengthened(v, x.shape[1], most) for v in self._in_blocks(x, content)]
            outputs = outputs or [np.zeros((len(read), *v.shape[1:]), v.dtype) for v in values]
            for output, value in zip(outputs, values, strict=True):
                output[part] = value
        return outputs

    def _one_by_one(self, read: Sequence[Any]) -> list[NDArray[Any]]:
        engine = TorchEngine(self._tapped, 1, self.precision)
        self._engines.used = engine.name
        rows = [np.ascontiguousarray(row, _numpy(self.dtype))[None] for row in read]
        values = [engine.run(row) for row in rows]
        return [stack_values([value[i][0] for value in values]) for i in range(len(self.names))]

    def _engine(self, example: NDArray[Any], content: str) -> Engine:
        """Return the engine for rows of this shape; start it at first use."""
        device = next((p.device.type for p in self._tapped.parameters()), "cpu")
        where = (self._key(content), example.shape[1:], device)
        launch = partial(start_engine, self._tapped, block=self.block, precision=self.precision)
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
        self._engines.used = engine.name
        return engine


@final
class _Engines(Transient):
    """Started engines by key; copies of a Frozen share them."""

    MOST = 8

    def __init__(self) -> None:
        self.ready: dict[tuple[str, tuple[int, ...], str], Engine] = {}
        self.used: str | None = None

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
    """Return the version of an engine and its files; torch's version is in the fingerprint."""
    if engine == "openvino":
        from fourfold.frozen.openvino import version

        return f"{version()} {FILES}"
    return "" if engine == "torch" else f"{onnxruntime.__version__} {FILES}"


def _numpy(dtype: torch.dtype) -> np.dtype[Any]:
    return np.dtype(torch.empty(0, dtype=dtype).numpy().dtype)


def _lengthened(values: NDArray[Any], steps: int, most: int) -> NDArray[Any]:
    """Fill up values of steps, (n, steps, d), with zeros; leave those of whole rows."""
    if values.ndim < 3 or values.shape[1] != steps:
        return values
    return np.pad(values, [(0, 0), (0, most - steps), *[(0, 0)] * (values.ndim - 2)])


def _padded(rows: NDArray[Any], block: int) -> NDArray[Any]:
    """Pad a block with zeros; a full one is not copied."""
    if len(rows) == block:
        return rows
    full = np.zeros((block, *rows.shape[1:]), rows.dtype)
    full[: len(rows)] = rows
    return full
