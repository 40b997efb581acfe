"""Notes on augmentation: the changes of rows in training that keep the labels of these data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.data.kinds import label_kind
from fourfold.estimators.network import UsesRecipe
from fourfold.preparation.augmenting.rules import Rules, rules_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.networks.builder import Builder

__all__ = ["augmentation_note", "possible_augmentation"]


def augmentation_note(
    domains: Sequence[Domain], candidates: Iterable[TransferEstimator], pretrained: Builder | None
) -> list[str]:
    """Return a note on the changes of rows in training, where a recipe asks for some."""
    recipes = [one.recipe for one in candidates if isinstance(one, UsesRecipe)]
    recipes.append(None if pretrained is None else pretrained.recipe)
    if not any(recipe is not None and recipe.augment is not None for recipe in recipes):
        return []
    return [f"Augmentation in training: {_rules(domains).describe()}."]


def possible_augmentation(domains: Sequence[Domain]) -> list[str]:
    """Return a note on the changes that a recipe could ask for; nothing for other rows."""
    rules = _rules(domains)
    if not rules.medium:
        return []
    return [f"Augmentation, where it is asked for (augment): {rules.describe()}."]


def _rules(domains: Sequence[Domain]) -> Rules:
    known = [domain for domain in domains if domain.n_labelled]
    are_classes = bool(known) and label_kind(*known) == "classes"
    classes = sorted({str(label) for domain in known for label in domain.counts})
    return rules_for(domains[-1].rows, classes if are_classes else None)
