"""Minimisation with a record and a certificate. Knows no statistics."""

from .newton import minimise
from .record import OptimizationRecord

__all__ = ["OptimizationRecord", "minimise"]
