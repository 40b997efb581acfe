"""Hyper-parameters are written once, and wrong ones are refused in a clear sentence."""

from __future__ import annotations

import inspect
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import annotated_types as at
import numpy as np
import pytest
from sklearn.base import clone

import fourfold
from fourfold.core.parameters import Fraction, NonNegative, Parameters, Positive, PositiveInt
from fourfold.errors import ParameterError


class Inner(Parameters):
    depth: PositiveInt = 1

    renamed: ClassVar[dict[str, str]] = {"layers": "depth"}


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


# --- names of earlier versions -------------------------------------------------------------------


def renaming():
    """Find every class of the project that has renamed a parameter."""
    root = Path(fourfold.__file__).parent
    files = [file for file in root.rglob("*.py") if "    renamed: ClassVar" in file.read_text()]
    names = [
        ".".join(file.relative_to(root.parent).with_suffix("").parts) for file in sorted(files)
    ]
    modules = [import_module(name.removesuffix(".__init__")) for name in names]
    return [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__
        if issubclass(kind, Parameters) and kind.renamed
    ]


RENAMED = [(kind, old, new) for kind in renaming() for old, new in kind.renamed.items()]
ids = [f"{kind.__name__}-{old}" for kind, old, _ in RENAMED]
each_renamed = pytest.mark.parametrize(("kind", "old", "new"), RENAMED, ids=ids)


@each_renamed
def test_an_old_name_is_answered_with_the_new_one(kind, old, new):
    said = f"{old} of {kind.__name__} must be written {new} since fourfold 0.2; got {old}"
    with pytest.raises(ParameterError) as error:
        kind(**{old: 1})
    assert str(error.value) == said
    if not inspect.isabstract(kind):
        with pytest.raises(ParameterError) as error:
            kind().set_params(**{old: 1})
        assert str(error.value) == said


@each_renamed
def test_a_new_name_is_a_parameter_and_the_old_one_is_none(kind, old, new):
    known = {field.name for field in fields(kind)}
    assert old not in known
    assert new in known or not new.isidentifier()  # another object has it, as Runtime(...)


def test_old_names_are_answered_inside_and_in_subclasses():
    class Deeper(Inner):
        width: PositiveInt = 1

    with pytest.raises(ParameterError, match="layers of Deeper must be written depth"):
        Deeper(layers=3)
    with pytest.raises(ParameterError, match="layers of Inner must be written depth"):
        Outer(inner=Inner()).set_params(inner__layers=3)
