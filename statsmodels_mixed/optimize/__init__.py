"""Minimisation with a record and a certificate. Knows no statistics."""

from .lbfgs import minimise_lbfgs
from .newton import minimise, newton_step
from .record import OptimizationRecord

DRIVERS = {"newton": minimise, "lbfgs": minimise_lbfgs}

__all__ = ["DRIVERS", "OptimizationRecord", "minimise", "minimise_lbfgs", "newton_step"]
