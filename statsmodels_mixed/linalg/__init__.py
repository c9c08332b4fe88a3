"""Block linear algebra for Gram matrices of grouped data. Knows no statistics."""

from .basis import Basis, orthonormal_basis
from .blocks import BlockGram, Coupling
from .factorization import Factorization
from .small import (
    congruence,
    inside,
    solve_semidefinite,
    spd_inverse,
    stacked_product,
)
from .system import BlockSystem

__all__ = [
    "Basis",
    "BlockGram",
    "BlockSystem",
    "Coupling",
    "Factorization",
    "congruence",
    "inside",
    "orthonormal_basis",
    "solve_semidefinite",
    "spd_inverse",
    "stacked_product",
]
