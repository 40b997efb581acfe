"""Hyper-parameters as dataclass fields with bounds, checked before training."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    TypeAlias,
    Union,
    dataclass_transform,
    final,
    get_args,
    get_origin,
    get_type_hints,
)

import annotated_types as at
import numpy as np
from sklearn.base import BaseEstimator

from fourfold.errors import ParameterError

__all__ = ["Fraction", "NonNegative", "Parameters", "Positive", "PositiveInt"]

Positive: TypeAlias = Annotated[float, at.Gt(0)]
NonNegative: TypeAlias = Annotated[float, at.Ge(0)]
Fraction: TypeAlias = Annotated[float, at.Interval(ge=0, le=1)]
PositiveInt: TypeAlias = Annotated[int, at.Ge(1)]


@dataclass_transform(kw_only_default=True, eq_default=False)
class Parameters(BaseEstimator):
    """A scikit-learn estimator whose hyper-parameters are dataclass fields.

    Each hyper-parameter is an annotated field with a default. Bounds stand in the annotation
    (``annotated_types``), options are ``Literal``. The constructor only stores values;
    :meth:`check` checks them.

    Examples
    --------
    >>> class Ridge(Parameters):
    ...     alpha: NonNegative = 1.0
    >>> Ridge(alpha=-1).check()
    Traceback (most recent call last):
    fourfold.errors.ParameterError: alpha of Ridge must lie in [0, inf); got -1
    """

    renamed: ClassVar[dict[str, str]] = {}
    """Name in an earlier version → name now."""

    def __new__(cls, *_args: Any, **given: Any) -> Self:
        _refuse_renamed(cls, given)
        made: Self = super().__new__(cls)
        return made

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(kw_only=True, eq=False, repr=False)(cls)

    def check(self) -> None:
        """Check every field, including the fields of nested Parameters.

        Raises
        ------
        ParameterError
            If a value has another type than its field, lies out of its bounds, contradicts another
            value, or does nothing beside it.
        """
        for name, kind in _fields(type(self)).items():  # type: ignore[arg-type]  # a class is hashable
            value = getattr(self, name)
            if not _fits(value, kind):
                raise ParameterError(
                    f"{name} of {type(self).__name__} must {_must(kind)}; got {_shown(value)}"
                )
            if isinstance(value, Parameters):
                value.check()
        self._check_together()
        for name, beside in self.idle().items():
            if self.is_changed(name):
                raise ParameterError(
                    f"{name} of {type(self).__name__} must be left out beside {beside}, where it "
                    f"does nothing; got {_shown(getattr(self, name))}"
                )

    @final
    def is_changed(self, name: str) -> bool:
        """Return whether a parameter has another value than its default."""
        default = next(field.default for field in fields(self) if field.name == name)
        return repr(getattr(self, name)) != repr(default)

    def idle(self) -> dict[str, str]:
        """Return the parameters that do nothing, and beside which value of another one each."""
        return {}

    @classmethod
    def takes(cls, name: str, value: Any) -> bool:
        """Return whether a field has this name and may hold the value."""
        kinds = _fields(cls)  # type: ignore[arg-type]  # a class is hashable
        return name in kinds and _fits(value, kinds[name])

    def _check_together(self) -> None:
        """Check values against each other; a subclass may add checks."""

    @final
    def set_params(self, **params: Any) -> Self:
        """Set parameters, including nested ones, as in scikit-learn."""
        _refuse_renamed(type(self), params)
        nested = dict.fromkeys(name.partition("__")[0] for name in params if "__" in name)
        unset = [name for name in nested if self.takes(name, None) and getattr(self, name) is None]
        filled = {name: self._nested_default(name) for name in unset}
        given = {name: value for name, value in filled.items() if value is not None}
        super().set_params(**{**given, **params})
        return self

    def _nested_default(self, name: str) -> Any:
        """Return the default of a parameter that is None before a nested parameter is set."""
        del name
        return None


def _refuse_renamed(cls: type[Parameters], given: dict[str, Any]) -> None:
    for name in given:
        if name in cls.renamed:
            raise ParameterError(
                f"{name} of {cls.__name__} must be written {cls.renamed[name]} since fourfold 0.2; "
                f"got {name}"
            )


def _shown(value: Any, most: int = 80) -> str:
    """Show a value on one short line."""
    line = " ".join(repr(value).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


@cache
def _fields(cls: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in fields(cls)}


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)


def _fits(value: Any, kind: Any) -> bool:
    return any(_fits_one(value, option) for option in _options(kind))


def _fits_one(value: Any, kind: Any) -> bool:
    origin = get_origin(kind)
    if kind in {Any, object}:
        return True
    if origin is Literal:
        return any(type(value) is type(option) and value == option for option in get_args(kind))
    if origin is Annotated:
        base, *bounds = get_args(kind)
        return _fits(value, base) and all(_within(value, bound) for bound in bounds)
    if kind is bool:
        return isinstance(value, (bool, np.bool_))
    if kind is float:
        return _is_number(value) and math.isfinite(value)
    if kind is int:
        return _is_number(value) and isinstance(value, (int, np.integer))
    if origin is tuple and isinstance(value, (tuple, list)):
        return all(_fits(item, get_args(kind)[0]) for item in value)
    return isinstance(value, origin or kind)


def _is_number(value: Any) -> bool:
    numbers = (int, float, np.integer, np.floating)
    return isinstance(value, numbers) and not isinstance(value, bool)


def _limits(bounds: list[Any]) -> list[Any]:
    parts = [list(b) if isinstance(b, at.Interval) else [b] for b in bounds]
    return [limit for part in parts for limit in part]


def _within(value: Any, bound: Any) -> bool:
    tests = {
        at.Ge: lambda b: value >= b.ge,
        at.Gt: lambda b: value > b.gt,
        at.Le: lambda b: value <= b.le,
        at.Lt: lambda b: value < b.lt,
    }
    return all(tests[type(limit)](limit) for limit in _limits([bound]))


def _must(kind: Any) -> str:
    """Describe the allowed values of a field."""
    return " or ".join(_must_one(option) for option in _options(kind))


def _must_one(kind: Any) -> str:
    if kind is NoneType:
        return "be None"
    if kind in {int, float}:
        return "be a whole number" if kind is int else "be a finite number"
    if get_origin(kind) is Literal:
        return "be one of " + ", ".join(map(repr, get_args(kind)))
    if get_origin(kind) is Annotated:
        base, *bounds = get_args(kind)
        whole = "be a whole number in " if base is int else "lie in "
        return whole + _interval(bounds)
    if get_origin(kind) is tuple and get_args(kind)[0] is not Any:
        return f"be a tuple, of which each item must {_must(get_args(kind)[0])}"
    return f"be {_article(getattr(get_origin(kind) or kind, '__name__', str(kind)))}"


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0].lower() in "aeiou" else f"a {noun}"


def _interval(bounds: list[Any]) -> str:
    low, high = "(-inf", "inf)"
    for limit in _limits(bounds):
        if isinstance(limit, at.Ge):
            low = f"[{limit.ge}"
        elif isinstance(limit, at.Gt):
            low = f"({limit.gt}"
        elif isinstance(limit, at.Le):
            high = f"{limit.le}]"
        elif isinstance(limit, at.Lt):
            high = f"{limit.lt})"
    return f"{low}, {high}"
