"""Fingerprint of a module by code, settings and weights."""

from __future__ import annotations

import functools
import inspect
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor, fx, nn
from xxhash import xxh3_128

__all__ = ["Transient", "fingerprint"]

BOOKKEEPING: Final = frozenset(vars(nn.Module()))
"""Attributes of every module, skipped: parameters and submodules are hashed by name."""
PLAIN: Final = (type(None), bool, int, float, complex, str, bytes)
"""Types of values that are hashed as they are written."""


class Transient:
    """State of a module that does not change its function, such as started engines; not hashed."""


def fingerprint(module: nn.Module) -> str:
    """Hash the function that a module computes: 32 hex digits.

    The hash is of the source of the classes, their settings (plain attributes), and the content of
    parameters and buffers, but not of memory layout, device and mode. Classes of torch enter by
    name and by torch's version instead of their source.
    """
    content = _Content()
    content.text(str(torch.__version__))
    content.module(module)
    return content.hasher.hexdigest()


@final
class _Content:
    """A hash of values of many types by content."""

    def __init__(self) -> None:
        self.hasher = xxh3_128()
        self._seen: set[int] = set()

    def text(self, text: str) -> None:
        self.hasher.update(f"\n{text}".encode())

    def code(self, thing: object) -> None:
        self.text(_source(thing))

    def module(self, module: nn.Module) -> None:
        self._seen.update(map(id, module.modules()))
        for name, part in module.named_modules():
            self.text(name)
            self.code(type(part))
            for key, value in sorted(vars(part).items()):
                if key not in BOOKKEEPING:
                    self.text(key)
                    self._value(value)
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            self.text(name)
            self._tensor(tensor)

    def _value(self, value: Any) -> None:
        """Hash a setting; an object is hashed by its class and attributes."""
        if isinstance(value, Tensor):
            self._tensor(value)
        elif isinstance(value, np.ndarray) and value.dtype != object:
            self.text(f"{value.dtype.str}{value.shape}")
            self.hasher.update(value.tobytes())
        elif isinstance(value, PLAIN):
            self.text(repr(value))
        elif isinstance(value, dict):
            self._values([part for item in value.items() for part in item])
        elif isinstance(value, (list, tuple)):
            self._values(list(value))
        else:
            self._object(value)

    def _values(self, values: list[Any]) -> None:
        self.text(f"{len(values)} values")
        if values and all(isinstance(value, PLAIN) for value in values):  # such as a vocabulary
            self.text("\n".join(map(repr, values)))
            return
        for value in values:
            self._value(value)

    def _tensor(self, tensor: Tensor) -> None:
        plain = tensor.detach().cpu().contiguous().view(-1)
        self.text(f"{plain.dtype}{tuple(tensor.shape)}")
        self.hasher.update(plain.view(torch.uint8).numpy().data if len(plain) else b"")

    def _object(self, value: Any) -> None:
        if isinstance(value, (type, FunctionType)):
            self.code(value)
        elif isinstance(value, BuiltinFunctionType):
            self.text(f"{value.__module__}.{value.__qualname__}")
        elif isinstance(value, functools.partial):
            self._values([value.func, value.args, value.keywords])
        elif isinstance(value, (set, frozenset)):
            self._values(sorted(map(repr, value)))
        elif isinstance(value, torch.dtype):
            self.text(str(value))
        elif isinstance(value, fx.Graph):
            self.text(value.python_code("self").src)
        elif (
            not isinstance(value, Transient) and id(value) not in self._seen
        ):  # objects may refer to each other
            self._seen.add(id(value))
            self._attributes(value)

    def _attributes(self, value: Any) -> None:
        if isinstance(value, nn.Module):  # such as one in a list
            self.module(value)
            return
        self.code(type(value))
        attributes: dict[str, Any] = getattr(value, "__dict__", {})
        self._values([part for item in sorted(attributes.items()) for part in item])


@functools.lru_cache(maxsize=1024)  # bounded, because each traced module has its own class
def _source(thing: Any) -> str:
    """Return the name of a class or function, and its code unless it is torch's."""
    bases: tuple[Any, ...] = thing.__mro__ if isinstance(thing, type) else (thing,)
    return "".join(f"{one.__module__}.{one.__qualname__}\n{_code(one)}" for one in bases)


def _code(thing: Any) -> str:
    if thing.__module__.partition(".")[0] in {"torch", "builtins"}:
        return ""
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):  # defined in a shell or by exec
        functions = vars(thing).values() if isinstance(thing, type) else (thing,)
        return "".join(_compiled(f.__code__) for f in functions if isinstance(f, FunctionType))


def _compiled(code: CodeType) -> str:
    inner = (_compiled(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts)
    return f"{code.co_name}{code.co_code.hex()}{code.co_names}{''.join(inner)}"
