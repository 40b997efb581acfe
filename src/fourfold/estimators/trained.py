"""What every estimator that is trained by a recipe has."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Self, final

from sklearn.base import clone

from fourfold.core.parameters import Parameters
from fourfold.core.serialization import to_plain
from fourfold.training.recipe import Recipe

__all__ = ["Trained"]


class Trained(Parameters):
    """An estimator with a recipe: the one it is given, else its own.

    Parameters
    ----------
    recipe
        How it is trained; None is the method's own.

    Attributes
    ----------
    default_recipe
        The method's own recipe.
    """

    recipe: Recipe | None = None

    default_recipe: ClassVar[Recipe] = Recipe()

    @property
    def purpose(self) -> str:
        """The method and its parameters but the recipe, for a checkpoint to be told apart."""
        given = {k: to_plain(v) for k, v in self.get_params(deep=False).items() if k != "recipe"}
        return json.dumps([type(self).__name__, given])

    @final
    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of the recipe change the method's own one where none is given."""
        if self.recipe is None and any(name.startswith("recipe__") for name in params):
            params = {"recipe": clone(self.default_recipe), **params}
        super().set_params(**params)
        return self
