"""Hyper-parameters are written once, and wrong ones are refused in a clear sentence."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import annotated_types as at
import numpy as np
import pytest
from sklearn.base import clone

from fourfold.core.parameters import Fraction, NonNegative, Parameters, Positive, PositiveInt
from fourfold.errors import ParameterError


class Inner(Parameters):
    depth: PositiveInt = 1


class Outer(Parameters):
    rate: Positive = 0.1
    decay: NonNegative = 0.0
    share: Fraction = 0.5
    below: Annotated[float, at.Interval(ge=0, lt=1)] = 0.0
    count: int = 3
    free: float = 0.0
    flag: bool = False
    mode: Literal["a", "b"] = "a"
    level: Literal[1, 2] = 1
    widths: tuple[Annotated[int, at.Ge(1)], ...] = (8, 4)
    anything: Any = None
    inner: Inner | None = None
    text: str | None = None


FITTING = [
    ("rate", 1),
    ("rate", np.float32(0.5)),
    ("decay", 0),
    ("share", 0),
    ("share", 1.0),
    ("below", 0.999),
    ("count", -7),
    ("count", np.int64(2)),
    ("flag", np.True_),
    ("mode", "b"),
    ("level", 2),
    ("widths", ()),
    ("widths", [3]),
    ("anything", object()),
    ("inner", Inner(depth=2)),
    ("text", "x"),
]

REFUSED = [
    ("rate", 0, r"rate of Outer must lie in \(0, inf\); got 0"),
    ("rate", float("nan"), r"rate of Outer must lie in \(0, inf\); got nan"),
    ("rate", float("inf"), r"rate of Outer must lie in \(0, inf\); got inf"),
    ("rate", True, "got True"),
    ("rate", "fast", "got 'fast'"),
    ("decay", -1e-9, r"must lie in \[0, inf\)"),
    ("share", 1.5, r"share of Outer must lie in \[0, 1\]; got 1.5"),
    ("below", 1, r"must lie in \[0, 1\)"),
    ("count", 2.0, "count of Outer must be a whole number; got 2.0"),
    ("count", False, "got False"),
    ("free", np.inf, "free of Outer must be a finite number; got inf"),
    ("flag", 1, "flag of Outer must be a bool; got 1"),
    ("mode", "c", "mode of Outer must be one of 'a', 'b'; got 'c'"),
    ("mode", np.array(["a", "b"]), "must be one of 'a', 'b'"),
    ("level", True, "must be one of 1, 2; got True"),
    ("level", 1.0, "must be one of 1, 2; got 1.0"),
    ("widths", (3, 0), r"each item must be a whole number in \[1, inf\); got \(3, 0\)"),
    ("widths", 3, "must be a tuple"),
    ("inner", 3, "inner of Outer must be an Inner or be None; got 3"),
    ("inner", Inner(depth=0), r"depth of Inner must be a whole number in \[1, inf\); got 0"),
    ("text", 3, "text of Outer must be a str or be None; got 3"),
]


@pytest.mark.parametrize(("name", "value"), FITTING)
def test_values_within_the_bounds_are_taken(name, value):
    Outer(**{name: value}).check()


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_other_values_are_refused_in_a_sentence(name, value, message):
    wrong = Outer(**{name: value})  # construction stores, and nothing else
    with pytest.raises(ParameterError, match=message):
        wrong.check()


def test_it_is_a_scikit_learn_estimator():
    outer = Outer(rate=0.3, inner=Inner(depth=4))
    assert outer.get_params()["inner__depth"] == 4
    copy = clone(outer)
    assert copy is not outer
    assert copy.inner is not outer.inner
    assert copy.get_params(deep=False)["rate"] == 0.3
    assert copy.set_params(inner__depth=5, mode="b").inner.depth == 5
    assert outer.inner.depth == 4
    assert repr(Outer(rate=0.3)) == "Outer(rate=0.3)"


def test_fields_are_named_and_inherited():
    class More(Outer):
        extra: PositiveInt = 2

    assert More().get_params()["extra"] == 2
    assert More(widths=(1,)).widths == (1,)
    with pytest.raises(TypeError, match="positional"):
        More(3)
    with pytest.raises(TypeError, match="speed"):
        More(speed=3)
    with pytest.raises(ParameterError, match=r"rate of More"):
        More(rate=-1).check()


def test_two_of_them_are_never_the_same():
    assert Outer() != Outer()
    assert len({Outer(), Outer()}) == 2
