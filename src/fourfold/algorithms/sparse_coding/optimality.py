"""The objective of sparse coding, and by how much codes violate its optimality conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ROUNDING", "missed", "objective", "violates", "violation"]

ROUNDING: Final = 4e-6
"""Rounding of a correlation in float32, as a fraction of the row's largest."""


def objective(x: Tensor, codes: Tensor, atoms: Tensor, alpha: float) -> Tensor:
    """Return ½‖x − aD‖² + λ‖a‖₁ of each row, (n,), for rows (n, d), codes (n, k), atoms (k, d)."""
    return (x - codes @ atoms).square().sum(1) / 2 + alpha * codes.abs().sum(1)


def violation(x: Tensor, codes: Tensor, atoms: Tensor, alpha: float) -> Tensor:
    """Return each row's largest violation of the optimality conditions, (n,), over λ."""
    return missed(codes, (x - codes @ atoms) @ atoms.T, alpha) / alpha


def missed(a: Tensor, r: Tensor, alpha: float) -> Tensor:
    """Return each row's largest violation of the optimality conditions, (n,).

    Parameters
    ----------
    a, r
        (n, k) codes and residual correlations (x − aD)Dᵀ.
    alpha
        λ.
    """
    sign = a.sign()  # |r − λ sign| where a ≠ 0, else |r| − λ
    return ((r - alpha * sign).abs() + alpha * sign.abs()).amax(1).sub(alpha).clamp(min=0)


def violates(a: Tensor, c: Tensor, r: Tensor, alpha: float, tolerance: float) -> Tensor:
    """Tell which rows (n,) violate the optimality conditions beyond the tolerance and rounding.

    Parameters
    ----------
    a, c, r
        (n, k) codes, correlations xDᵀ, and residual correlations.
    alpha, tolerance
        λ, and the tolerance as a fraction of it.
    """
    return missed(a, r, alpha) > tolerance * alpha + ROUNDING * c.abs().amax(1)
