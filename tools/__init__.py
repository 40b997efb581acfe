"""Programs of the repository itself: locked versions, checks of the house, generated pages.

They are not part of the package. Each runs as ``python -m tools.NAME`` from the root.
"""
