"""Plans of layer transfer: which layers are copied, and which are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from fourfold.errors import ParameterError
from fourfold.frozen.taps import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HEAD", "LayerPlan", "make_plan", "plans_to_try", "safe_plan"]

HEAD: Final = "head"
"""The name of the last layer."""


class LayerPlan(NamedTuple):
    """Copied and trained layers, from the input to the output; what is not copied starts fresh."""

    copied: tuple[str, ...]
    trained: tuple[str, ...]

    def of(self, name: str) -> str:
        """Describe one layer in words."""
        origin = "copied" if name in self.copied else "fresh"
        return f"{origin}, {'trained' if name in self.trained else 'frozen'}"


def make_plan(
    names: Sequence[str],
    copyable: Sequence[str],
    copy: int | tuple[str, ...],
    train: str | tuple[str, ...],
) -> LayerPlan:
    """Return the plan that the parameters of ``LayerTransfer`` describe, but for ``"auto"``.

    Raises
    ------
    ParameterError
        If a name matches no layer, or numbers or names do not fit the network.
    """
    copied = _copied(names, copyable, copy)
    if isinstance(train, tuple):
        _check_names("train", train, names)
        lacking = [name for name in names if name not in {*copied, *train}]
        if lacking:
            raise ParameterError(
                f"train must name every layer that is not copied; {', '.join(lacking)} is neither"
            )
        chosen = set(train)
    else:
        chosen = set(names) if train == "all" else set(names) - set(copied)
    return LayerPlan(copied, tuple(name for name in names if name in chosen))


def plans_to_try(
    names: Sequence[str],
    copyable: Sequence[str],
    copy: Literal["auto"] | int | Sequence[str],
    train: Literal["auto", "all", "rest"] | Sequence[str],
) -> dict[str, list[LayerPlan]]:
    """Return the plans to try: a curve's name → a plan for each number of copied layers.

    Where ``copy`` is given there is one plan, and its curve has no name.
    """
    chosen = train if isinstance(train, str) else tuple(train)
    if copy != "auto":
        copied = copy if isinstance(copy, int) else tuple(copy)
        return {"": [make_plan(names, copyable, copied, "all" if chosen == "auto" else chosen)]}
    if isinstance(chosen, tuple):
        raise ParameterError(
            "train must be 'auto', 'all' or 'rest' where copy is 'auto'; got names"
        )
    ways = {"rest": "frozen", "all": "tuned"}
    numbers = range(len(copyable) + 1)
    return {
        f"{end} {done}": [make_plan(names, copyable, sign * n, way) for n in numbers]
        for end, sign in (("last", -1), ("first", 1))
        for way, done in ways.items()
        if chosen in {"auto", way}
    }


def safe_plan(names: Sequence[str], copyable: Sequence[str], train: object) -> LayerPlan:
    """Return the plan where nothing can be tried: fine-tune all, or train the last layer."""
    if train == "rest":
        return make_plan(names, copyable, len(names) - 1, "rest")
    return make_plan(names, copyable, len(copyable), "all")


def _copied(
    names: Sequence[str], copyable: Sequence[str], copy: int | tuple[str, ...]
) -> tuple[str, ...]:
    if isinstance(copy, tuple):
        _check_names("copy", copy, names)
        if HEAD in copy and HEAD not in copyable:
            raise ParameterError(
                "copy must leave out 'head' where the source lacks outputs of the target; got it"
            )
        return tuple(name for name in copyable if name in copy)
    if abs(copy) > len(copyable):
        most = len(copyable)
        raise ParameterError(
            f"copy must lie in [-{most}, {most}] for layers {', '.join(copyable)}; got {copy}"
        )
    return tuple(copyable[:copy] if copy >= 0 else copyable[copy:])


def _check_names(field: str, asked: Sequence[str], names: Sequence[str]) -> None:
    for name in asked:
        if name not in names:
            raise ParameterError(
                f"{field} must name layers of the network; got {name!r}{closest(name, names)}"
            )
