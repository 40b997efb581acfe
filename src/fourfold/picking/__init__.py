"""Picking: which unlabelled rows of a target are worth labelling first."""

from __future__ import annotations

from fourfold.picking.pick import Picks, pick

__all__ = ["Picks", "pick"]
