"""Hyper-parameters as JSON, and back; only classes of a given table are rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.core.parameters import Parameters
from fourfold.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Classes: TypeAlias = Mapping[str, Callable[..., Any]]

__all__ = ["from_plain", "to_plain"]


def to_plain(value: Any) -> Any:
    """Convert a parameter to JSON.

    An estimator of fourfold becomes its class and parameters, also inside a FrozenEstimator;
    another one is described, and a module becomes its name.
    """
    if isinstance(value, nn.Module):
        return {"module": f"{type(value).__module__}.{type(value).__qualname__}"}
    if isinstance(value, FrozenEstimator):
        return to_plain(value.estimator)
    if isinstance(value, Parameters):
        fields = value.get_params(deep=False)
        return {
            "class": type(value).__name__,
            "parameters": {name: to_plain(field) for name, field in fields.items()},
        }
    if isinstance(value, BaseEstimator):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {"pairs": [[to_plain(key), to_plain(item)] for key, item in value.items()]}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return {"object": repr(value)}


def from_plain(value: Any, classes: Classes) -> Any:
    """Convert JSON of :func:`to_plain` to a parameter; modules and other objects become None.

    Parameters
    ----------
    value
        The JSON.
    classes
        Name → class that may be rebuilt.

    Raises
    ------
    BundleError
        If a class is not in the table, or takes no such parameters.
    """
    if isinstance(value, list):
        return tuple(from_plain(item, classes) for item in value)
    if not isinstance(value, dict):
        return value
    if "pairs" in value:
        return {key: from_plain(item, classes) for key, item in value["pairs"]}
    if "class" not in value:
        return None
    if value["class"] not in classes:
        raise BundleError(
            f"a saved model must be made of classes of fourfold; got {value['class']!r:.60}"
        )
    fields = {name: from_plain(field, classes) for name, field in value["parameters"].items()}
    try:
        return classes[value["class"]](**fields)
    except TypeError as error:
        raise BundleError(
            f"a saved model must fit this version of fourfold; got: {error!s:.120}"
        ) from error
