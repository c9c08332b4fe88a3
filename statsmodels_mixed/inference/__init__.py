"""Tests and comparisons: functions of fits."""

from .lrt import LRTestResult, compare_fits
from .terms import term_constraints

__all__ = ["LRTestResult", "compare_fits", "term_constraints"]
