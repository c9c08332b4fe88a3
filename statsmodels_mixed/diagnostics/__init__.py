"""Diagnostics of designs and fits: advice, health, residuals, influence."""
