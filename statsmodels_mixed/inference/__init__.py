"""Tests and comparisons: functions of fits."""

from .fixed import choose_df_method, df_method_name, fixed_tests
from .lrt import LRTestResult, compare_fits
from .terms import term_constraints

__all__ = [
    "LRTestResult",
    "choose_df_method",
    "compare_fits",
    "df_method_name",
    "fixed_tests",
    "term_constraints",
]
