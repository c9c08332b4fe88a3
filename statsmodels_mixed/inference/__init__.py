"""Tests and comparisons: functions of fits."""

from .fixed_effects.df_methods import (
    check_df_method,
    choose_df_method,
    df_method_name,
    fixed_tests,
)
from .fixed_effects.terms import term_constraints
from .likelihood.lrt import LRTestResult, compare_fits

__all__ = [
    "LRTestResult",
    "check_df_method",
    "choose_df_method",
    "compare_fits",
    "df_method_name",
    "fixed_tests",
    "term_constraints",
]
